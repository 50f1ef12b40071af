/* A request that comes amid a message handler ends it: Lua would call the handler for the request's error, too, so that one which
 * waits or computes for ever would be called again and again and never be left. */
#ifndef GILUA_RUNTIME_STATE_BYPASS_H
#define GILUA_RUNTIME_STATE_BYPASS_H

#include "runtime/state/runtime.h"

/* bypass_note notes what xpcall and pcall are in L, whose library is open and whose runtime rt is: their frames are known by it. */
void bypass_note(lua_State *L, Runtime *rt);

/* bypass_handler is called before a request raises its error on L: if the message handler of the innermost xpcall is running, that
 * xpcall will return the error as it is. Raises nothing. */
void bypass_handler(lua_State *L, const Runtime *rt);

#endif
