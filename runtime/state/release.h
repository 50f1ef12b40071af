/* Which release of Lua this process runs, and what the versions want to be asked for in different ways. lua_version says
 * 504 for all of 5.4. */
#ifndef GILUA_RUNTIME_STATE_RELEASE_H
#define GILUA_RUNTIME_STATE_RELEASE_H

#include <lua.h>

/* release_number is 50400 + n for Lua 5.4.n, 50500 + n for 5.5.n; n is 99 if the release does not tell. */
int release_number(void);

/* release_new_state is lua_newstate; 5.5 takes a seed for its hashes. */
lua_State *release_new_state(lua_Alloc alloc, void *data);

/* release_close_thread closes the <close> variables of co, which from does not run; from may be NULL. */
int release_close_thread(lua_State *co, lua_State *from);

/* release_collect has the collector do as much as it would for so many KiB of new objects. */
void release_collect(lua_State *L, int kibibytes);

#endif
