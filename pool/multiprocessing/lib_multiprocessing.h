/* The Lua bindings of this folder. */
#ifndef GILUA_POOL_MULTIPROCESSING_LIB_MULTIPROCESSING_H
#define GILUA_POOL_MULTIPROCESSING_LIB_MULTIPROCESSING_H

#include <lauxlib.h>

int lib_multiprocessing_open(lua_State *L);

/* pool_new_over(constructor, options): a Pool over the executor that constructor{max_workers, …} makes. Pool itself uses
 * futures.ProcessPoolExecutor; tests use others. */
int pool_new_over(lua_State *L);
int pool_new(lua_State *L);

/* process_new(options): a Process, see lib_child.c; process_active_children() -> those that run. */
int process_new(lua_State *L);
int process_active_children(lua_State *L);

/* process_current() and process_parent(), see lib_current.c. */
int process_current(lua_State *L);
int process_parent(lua_State *L);

/* shared_array_new(type, n), see lib_shared_array.c. shared_array_register lets buffers of every kind be sent: once a state,
 * when it is opened. */
int shared_array_new(lua_State *L);
void shared_array_register(lua_State *L);

#endif
