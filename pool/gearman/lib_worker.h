/* What the Lua program of `gilua worker` (worker.lua) is made with; no module that scripts see. */
#ifndef GILUA_POOL_GEARMAN_LIB_WORKER_H
#define GILUA_POOL_GEARMAN_LIB_WORKER_H

#include <lua.h>

/* lib_worker_open pushes the table. */
int lib_worker_open(lua_State *L);

#endif
