/* GearmanExecutor for gilua.futures. */
#ifndef GILUA_POOL_GEARMAN_LIB_GEARMAN_H
#define GILUA_POOL_GEARMAN_LIB_GEARMAN_H

#include <lua.h>

/* lib_gearman_add puts GearmanExecutor and task_key into the table on top of the stack, which is gilua.futures. */
void lib_gearman_add(lua_State *L);

#endif
