/* Requiring a module from C, whatever the program has done to its globals. */
#ifndef GILUA_RUNTIME_STATE_REQUIRE_H
#define GILUA_RUNTIME_STATE_REQUIRE_H

#include <lua.h>

/* require_keep notes the function on top of the stack, which stays, as the state's own. */
void require_keep(lua_State *L);

/* require_push pushes the global function `require`, the state's own where the program has none any more; nil: there
 * was never one. */
void require_push(lua_State *L);

#endif
