/* Reporting uncaught errors of threads. */
#include "runtime/thread/excepthook.h"

#include <lauxlib.h>
#include <stdio.h>

#include "runtime/thread/error.h"
#include "runtime/thread/thread.h"

int excepthook_default(lua_State *L) {
  luaL_checkany(L, 2);
  lua_settop(L, 3);
  object_check(L, 1, &thread_type);
  thread_push_name(L, 1);
  const char *name = lua_tostring(L, -1), *message = luaL_tolstring(L, 2, NULL);
  const char *trace = error_is(L, 2, NULL) ? NULL : lua_tostring(L, 3); /* an error object prints its own */
  /* one call, so that messages of several threads do not mix; a closed stderr is nobody's fault here */
  fprintf(stderr, "error in thread '%s': %s%s%s\n", name, message, trace != NULL ? "\n" : "", trace != NULL ? trace : "");
  return 0;
}

static void push_hook(lua_State *L) {
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (lua_getfield(L, -1, "gilua.threading") == LUA_TTABLE) lua_getfield(L, -1, "excepthook");
  else lua_pushcfunction(L, excepthook_default);
}

void excepthook_call(lua_State *L, int thread, int err) {
  int top = lua_gettop(L);
  thread = lua_absindex(L, thread);
  err = lua_absindex(L, err);
  luaL_checkstack(L, 12, NULL);
  push_hook(L);
  lua_pushvalue(L, thread);
  lua_pushvalue(L, err);
  error_push_traceback(L, err);
  if (lua_pcall(L, 3, 0, 0) != LUA_OK) {
    fprintf(stderr, "error in threading.excepthook: %s\n", luaL_tolstring(L, -1, NULL));
    lua_pushcfunction(L, excepthook_default);
    lua_pushvalue(L, thread);
    lua_pushvalue(L, err);
    error_push_traceback(L, err);
    lua_pcall(L, 3, 0, 0);
  }
  lua_settop(L, top);
}
