/* Opening and closing an interpreter. */
#include "interp/state.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <string.h>

#include "runtime/sync/blocking.h"
#include "runtime/io/lib_io.h"
#include "runtime/socket/lib_socket.h"
#include "runtime/sync/lib_sync.h"
#include "runtime/thread/error.h"
#include "runtime/thread/lib_thread.h"
#include "runtime/thread/thread.h"

#if defined(__SANITIZE_THREAD__) /* holds signals back until the next call that it intercepts; the VM makes none */
#define DEFAULT_PREEMPT PREEMPT_COUNT
#else
#define DEFAULT_PREEMPT PREEMPT_SIGNAL
#endif

static int open_protected(lua_State *L) {
  State *state = lua_touserdata(L, 1);
  state->rt = runtime_open(L, DEFAULT_PREEMPT);
  if (state->rt == NULL) return luaL_error(L, "not enough memory");
  blocking_install(state->rt);
#ifdef GILUA_HOSTILE
  lua_gc(L, LUA_GCINC, 1, 1000, 1); /* a collector step at every allocation */
#endif
  return 0;
}

/* What a bare state lacks: the text of warn() comes in pieces, "more" says that another follows. Off until "@on". */
static void warn(void *data, const char *text, int more) {
  State *state = data;
  if (!state->amid_warning && !more && text[0] == '@') {
    if (strcmp(text, "@on") == 0) state->warnings = true;
    else if (strcmp(text, "@off") == 0) state->warnings = false;
    return;
  }
  if (!state->warnings) return;
  fprintf(stderr, "%s%s%s", state->amid_warning ? "" : "Lua warning: ", text, more ? "" : "\n");
  fflush(stderr);
  state->amid_warning = more;
}

bool state_open(State *state) {
  *state = (State){0};
  state->heap = heap_new(0);
  if (state->heap == NULL) return false;
  state->L = lua_newstate(heap_alloc, state->heap);
  if (state->L == NULL) goto fail;
  lua_setwarnf(state->L, warn, state);
  lua_pushcfunction(state->L, open_protected);
  lua_pushlightuserdata(state->L, state);
  if (lua_pcall(state->L, 1, 0, 0) == LUA_OK) return true;
  lua_close(state->L);
fail:
  heap_free(state->heap);
  return false;
}

void state_close(State *state) {
  thread_reap(state->rt);
  lua_close(state->L);
  runtime_free(state->rt);
  heap_free(state->heap);
}

/* gilua.threading and so on are required when their field is first read. */
static int load_field(lua_State *L) {
  const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushfstring(L, "gilua.%s", name);
  lua_pushvalue(L, -1);
  if (lua_rawget(L, -3) == LUA_TNIL) return 0;
  lua_getglobal(L, "require");
  lua_pushvalue(L, -3);
  lua_call(L, 1, 1);
  lua_pushvalue(L, 2);
  lua_pushvalue(L, -2);
  lua_rawset(L, 1);
  return 1;
}

/* gilua.is_error(e [, kind]) */
static int gilua_is_error(lua_State *L) {
  luaL_checkany(L, 1);
  lua_pushboolean(L, error_is(L, 1, luaL_optstring(L, 2, NULL)));
  return 1;
}

/* gilua.traceback_of(e) -> string or nil */
static int gilua_traceback_of(lua_State *L) {
  luaL_checkany(L, 1);
  error_push_traceback(L, 1);
  return 1;
}

static int luaopen_root(lua_State *L) {
  static const luaL_Reg funcs[] = {{"is_error", gilua_is_error}, {"traceback_of", gilua_traceback_of}, {NULL, NULL}};
  luaL_newlib(L, funcs);
  lua_pushliteral(L, "gilua 0.1");
  lua_setfield(L, -2, "_VERSION");
  error_push_metatable(L);
  lua_setfield(L, -2, "Error");
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, load_field);
  lua_setfield(L, -2, "__index");
  lua_setmetatable(L, -2);
  return 1;
}

void state_register_modules(lua_State *L) {
  static const luaL_Reg modules[] = {
      {"gilua", luaopen_root},
      {"gilua.gil", luaopen_gilua_gil},
      {"gilua.queue", luaopen_gilua_queue},
      {"gilua.socket", luaopen_gilua_socket},
      {"gilua.threading", luaopen_gilua_threading},
      {"gilua.time", luaopen_gilua_time},
      {NULL, NULL},
  };
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  luaL_setfuncs(L, modules, 0);
  lua_pop(L, 1);
}

void state_openlibs(lua_State *L) {
  luaL_openlibs(L);
  lib_coroutine_replace(L);
  lib_debug_replace(L);
  lib_os_replace(L);
  lib_io_replace(L);
  state_register_modules(L);
}
