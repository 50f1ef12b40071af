/* ProcessPoolExecutor for gilua.futures. */
#ifndef GILUA_POOL_PROCESS_LIB_PROCESS_H
#define GILUA_POOL_PROCESS_LIB_PROCESS_H

#include <lua.h>

/* lib_process_add puts ProcessPoolExecutor into the table on top of the stack, which is gilua.futures. */
void lib_process_add(lua_State *L);

#endif
