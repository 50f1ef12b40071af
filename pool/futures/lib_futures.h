/* The Lua bindings of this folder. */
#ifndef GILUA_POOL_FUTURES_LIB_FUTURES_H
#define GILUA_POOL_FUTURES_LIB_FUTURES_H

#include <lua.h>

/* lib_futures_open pushes the module; later back ends put their executors into it. */
int lib_futures_open(lua_State *L);

int executor_map_method(lua_State *L);

#endif
