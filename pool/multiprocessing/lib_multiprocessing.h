/* The Lua bindings of this folder. */
#ifndef GILUA_POOL_MULTIPROCESSING_LIB_MULTIPROCESSING_H
#define GILUA_POOL_MULTIPROCESSING_LIB_MULTIPROCESSING_H

#include <lua.h>

int lib_multiprocessing_open(lua_State *L);

/* pool_new_over(constructor, options): a Pool over the executor that constructor{max_workers, …} makes. Pool itself uses
 * futures.ProcessPoolExecutor; tests use others. */
int pool_new_over(lua_State *L);
int pool_new(lua_State *L);
void pool_register(lua_State *L);

#endif
