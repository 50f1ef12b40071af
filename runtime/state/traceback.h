/* Where a Lua state is, told without its stack: nothing is pushed, allocated or raised, so it may be asked about any state
 * that does not run now, its thread being parked or ready, as well as about the caller's own. Needs the lock.
 */
#ifndef GILUA_RUNTIME_STATE_TRACEBACK_H
#define GILUA_RUNTIME_STATE_TRACEBACK_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* What traceback_where needs at most. */
enum { TRACEBACK_WHERE_SIZE = LUA_IDSIZE + 16 };

/* traceback_where writes "script.lua:12", the place of the innermost Lua function of L, to the n bytes at `at`; "" if
 * there is none. */
void traceback_where(lua_State *L, char *at, size_t n);

/* traceback_line is the same as a source and a line: fills in ar's short_src, source and currentline; false if none. */
bool traceback_line(lua_State *L, lua_Debug *ar);

/* traceback_print writes a line for each frame of L, innermost first, like luaL_traceback; the middle of a deep stack is
 * left out. */
void traceback_print(FILE *out, lua_State *L);

#endif
