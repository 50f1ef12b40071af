/* threading.Local(): a table with other contents in each thread. */
#ifndef GILUA_RUNTIME_THREAD_LOCAL_H
#define GILUA_RUNTIME_THREAD_LOCAL_H

#include <lua.h>

/* local_new() -> a new Local. Lua-callable. */
int local_new(lua_State *L);

#endif
