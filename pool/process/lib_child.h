/* Process and shared_array for gilua.multiprocessing. */
#ifndef GILUA_POOL_PROCESS_LIB_CHILD_H
#define GILUA_POOL_PROCESS_LIB_CHILD_H

#include <lua.h>

/* lib_child_add puts Process into the table on top of the stack, lib_shared_array_add shared_array. The table is
 * gilua.multiprocessing. */
void lib_child_add(lua_State *L);
void lib_shared_array_add(lua_State *L);

#endif
