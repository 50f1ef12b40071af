/* The Lua bindings of this folder. Each function is called once, when a runtime opens, with its lock held. */
#ifndef GILUA_RUNTIME_THREAD_LIB_THREAD_H
#define GILUA_RUNTIME_THREAD_LIB_THREAD_H

#include <lua.h>

/* Openers for luaL_requiref and package.preload: each pushes its module. */
int lib_threading_open(lua_State *L);

/* These put our equals in the place of standard functions. */
void lib_coroutine_replace(lua_State *L);
void lib_debug_replace(lua_State *L);
void lib_os_replace(lua_State *L);
void lib_require_replace(lua_State *L);

/* lib_debug_adopt takes the hooks that scripts set with the standard debug.sethook before the state had a runtime as ours;
 * lib_debug_yield gives ours back to it before the runtime goes. Raise memory errors. */
void lib_debug_adopt(lua_State *L);
void lib_debug_yield(lua_State *L);

#endif
