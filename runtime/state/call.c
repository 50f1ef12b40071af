/* The one protected call of code that is not ours. */
#include "runtime/state/call.h"

#include <lauxlib.h>

#include "runtime/state/error.h"

CallResult call_user(lua_State *L, int nargs, int nresults) {
  luaL_checkstack(L, 4, NULL);
  int handler = lua_gettop(L) - nargs;
  lua_pushcfunction(L, error_traceback_handler);
  lua_insert(L, handler);
  int status = lua_pcall(L, nargs, nresults, handler);
  if (lua_gettop(L) == handler + 1) lua_replace(L, handler); /* the usual: one result, or an error */
  else lua_remove(L, handler);
  if (status == LUA_OK) return CALL_OK;
  if (error_is_request(L, -1)) return CALL_REQUESTED;
  error_push_traceback(L, -1);
  return CALL_FAILED;
}
