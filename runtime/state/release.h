/* Which release of Lua this process runs: lua_version says 504 for all of 5.4. */
#ifndef GILUA_RUNTIME_STATE_RELEASE_H
#define GILUA_RUNTIME_STATE_RELEASE_H

/* release_number is 50400 + n for Lua 5.4.n, 50499 if the release does not tell. */
int release_number(void);

#endif
