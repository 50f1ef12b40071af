/* The interactive prompt. */
#ifndef GILUA_INTERP_PROMPT_H
#define GILUA_INTERP_PROMPT_H

#include <lua.h>

/* prompt_run reads and runs lines from stdin until its end. */
void prompt_run(lua_State *L);

/* prompt_banner writes the version line. */
void prompt_banner(void);

#endif
