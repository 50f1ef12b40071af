/* Reporting uncaught errors of threads. */
#include "runtime/thread/excepthook.h"

#include <lauxlib.h>
#include <stdarg.h>
#include <stdio.h>

#include "runtime/state/error.h"
#include "runtime/state/text.h"
#include "runtime/thread/thread.h"

/* Tells the host; pops nothing. */
__attribute__((format(printf, 2, 3))) static void report(lua_State *L, const char *format, ...) {
  Runtime *rt = runtime_of(L);
  if (rt == NULL || rt->on_error == NULL) return;
  va_list args;
  va_start(args, format);
  const char *text = lua_pushvfstring(L, format, args);
  va_end(args);
  rt->on_error(rt->on_error_data, text);
  lua_pop(L, 1);
}

void excepthook_to_stderr(void *data, const char *text) {
  (void)data;
  fprintf(stderr, "%s\n", text); /* one call, so that messages of several threads do not mix */
}

int excepthook_default(lua_State *L) {
  luaL_checkany(L, 2);
  lua_settop(L, 3);
  object_check(L, 1, &thread_type);
  thread_push_name(L, 1);
  const char *name = text_push_shown(L, -1), *message = error_push_text(L, 2);
  const char *trace = error_is(L, 2, NULL) ? NULL : lua_tostring(L, 3); /* an error object prints its own */
  report(L, "error in thread '%s': %s%s%s", name, message, trace != NULL ? "\n" : "", trace != NULL ? trace : "");
  return 0;
}

static void push_hook(lua_State *L) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (lua_getfield(L, -1, "gilua.threading") == LUA_TTABLE) lua_getfield(L, -1, "excepthook");
  else lua_pushcfunction(L, excepthook_default);
}

static void push_arguments(lua_State *L, int thread, int err, int traceback) {
  lua_pushvalue(L, thread);
  lua_pushvalue(L, err);
  lua_pushvalue(L, traceback);
}

void excepthook_call(lua_State *L, int thread, int err) {
  int top = lua_gettop(L);
  thread = lua_absindex(L, thread);
  err = lua_absindex(L, err);
  luaL_checkstack(L, 12, NULL);
  error_push_traceback(L, err);
  int traceback = lua_gettop(L);
  push_hook(L);
  push_arguments(L, thread, err, traceback);
  if (error_call(L, 3, 0) != LUA_OK) {
    report(L, "error in threading.excepthook: %s", error_push_report(L, -1));
    lua_pushcfunction(L, excepthook_default);
    push_arguments(L, thread, err, traceback);
    lua_pcall(L, 3, 0, 0);
  }
  lua_settop(L, top);
}
