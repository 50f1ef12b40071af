/* coroutine.*: equals of the standard functions that note which coroutine runs on the calling thread, because the
 * signal that asks a thread to stop must find it and Lua does not tell. Nothing else differs, but that the bottom of
 * every thread, not only the main one, is no coroutine.
 *
 * Source of the behaviour: the Lua 5.4 manual, 6.2.
 */
#include "runtime/thread/lib_thread.h"

#include <lauxlib.h>
#include <lualib.h>

#include "runtime/state/hook.h"
#include "runtime/state/release.h"
#include "runtime/state/running.h"
#include "runtime/state/tstate.h"
#include "runtime/state/userhook.h"

enum { FAILED = -1 };

typedef enum Status { RUNNING, DEAD, SUSPENDED, NORMAL } Status;

static const char *const status_names[] = {"running", "dead", "suspended", "normal"};

static lua_State *check_co(lua_State *L) {
  lua_State *co = lua_tothread(L, 1);
  luaL_argexpected(L, co, 1, "thread");
  return co;
}

static Status status_of(lua_State *L, lua_State *co) {
  if (L == co) return RUNNING;
  if (lua_status(co) == LUA_YIELD) return SUSPENDED;
  if (lua_status(co) != LUA_OK) return DEAD;
  lua_Debug ar;
  if (lua_getstack(co, 0, &ar)) return NORMAL;
  return lua_gettop(co) == 0 ? DEAD : SUSPENDED;
}

/* Closes co. Up to 5.4.3 a hook in its handlers looks like a yield and cuts them short: there co must not be armed, so
 * the caller stays current. */
static int reset_noted(lua_State *L, lua_State *co) {
  Tstate *ts = running_self(L);
  if (ts == NULL) return release_close_thread(co, L);
  if (ts->rt->release < 50404) {
    lua_sethook(co, NULL, 0, 0);
    return release_close_thread(co, L);
  }
  Running before;
  running_look(ts, L);
  running_enter(ts, &before, co);
  int status = release_close_thread(co, L);
  running_leave(ts, &before);
  return status;
}

static int resume_noted(lua_State *L, lua_State *co, int nargs, int *nresults) {
  Tstate *ts = running_self(L);
  if (ts == NULL) return lua_resume(co, L, nargs, nresults);
  Running before;
  running_look(ts, L);
  running_enter(ts, &before, co);
  int status = lua_resume(co, L, nargs, nresults);
  running_leave(ts, &before);
  return status;
}

/* Moves nargs values to co and runs it; its values, or FAILED and the error, are on top of L. Below them is pushed
 * `true` if mark is set. The coroutine stays at its place on L's stack: a library's frame may hold nothing else. */
static int resume(lua_State *L, lua_State *co, int nargs, bool mark) {
  if (!lua_checkstack(co, nargs)) {
    lua_pushliteral(L, "too many arguments to resume");
    return FAILED;
  }
  lua_xmove(L, co, nargs);
  int nresults, status = resume_noted(L, co, nargs, &nresults);
  if (status != LUA_OK && status != LUA_YIELD) {
    lua_xmove(co, L, 1);
    return FAILED;
  }
  if (!lua_checkstack(L, nresults + 1)) {
    lua_pop(co, nresults);
    lua_pushliteral(L, "too many results to resume");
    return FAILED;
  }
  if (mark) lua_pushboolean(L, 1);
  lua_xmove(co, L, nresults);
  return nresults;
}

static int co_resume(lua_State *L) {
  lua_State *co = check_co(L);
  int n = resume(L, co, lua_gettop(L) - 1, true);
  if (n != FAILED) return n + 1;
  lua_pushboolean(L, 0);
  lua_insert(L, -2);
  return 2;
}

static int wrap_call(lua_State *L) {
  lua_State *co = lua_tothread(L, lua_upvalueindex(1));
  int n = resume(L, co, lua_gettop(L), false);
  if (n != FAILED) return n;
  int status = lua_status(co);
  if (status != LUA_OK && status != LUA_YIELD) {
    status = reset_noted(L, co);
    lua_xmove(co, L, 1);
  }
  if (status != LUA_ERRMEM && lua_type(L, -1) == LUA_TSTRING) {
    luaL_where(L, 1);
    lua_insert(L, -2);
    lua_concat(L, 2);
  }
  return lua_error(L);
}

static int co_create(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_State *co = lua_newthread(L);
  const Tstate *ts = running_self(L);
  bool inherits = ts != NULL && (ts->rt->user_hooks || lua_gethook(co) != NULL);
  if (inherits) userhook_inherit(L, L, co); /* not the armed hook of its creator */
  lua_pushvalue(L, 1);
  lua_xmove(L, co, 1);
  return 1;
}

static int co_wrap(lua_State *L) {
  co_create(L);
  lua_pushcclosure(L, wrap_call, 1);
  return 1;
}

static bool is_base(const lua_State *L) {
  const Tstate *ts = tstate_self();
  return ts != NULL && ts->base == L;
}

static int co_yield(lua_State *L) {
  Tstate *ts = running_self(L);
  if (ts != NULL) running_look(ts, L);
  if (is_base(L)) {
    lua_pushliteral(L, "attempt to yield from outside a coroutine"); /* without a position, as Lua raises it */
    return lua_error(L);
  }
  return lua_yield(L, lua_gettop(L));
}

static int co_status(lua_State *L) {
  lua_pushstring(L, status_names[status_of(L, check_co(L))]);
  return 1;
}

static int co_isyieldable(lua_State *L) {
  lua_State *co = lua_isnone(L, 1) ? L : check_co(L);
  lua_pushboolean(L, lua_isyieldable(co));
  return 1;
}

static int co_running(lua_State *L) {
  int is_main = lua_pushthread(L);
  lua_pushboolean(L, is_main || is_base(L));
  return 2;
}

/* Since 5.5 a coroutine may close itself, which ends in its lua_resume. C code that stands in between would be jumped over:
 * there it is refused, as a yield is. */
static int close_itself(lua_State *L) {
  if (is_base(L) || lua_pushthread(L)) return luaL_error(L, "cannot close main thread");
  if (!lua_isyieldable(L)) return luaL_error(L, "cannot close a running coroutine across a C-call boundary");
  return release_close_thread(L, L);
}

static int co_close(lua_State *L) {
  bool itself = LUA_VERSION_NUM > 504;
  lua_State *co = itself && lua_isnone(L, 1) ? L : check_co(L);
  Status status = status_of(L, co);
  if (itself && status == RUNNING) return close_itself(L);
  if (status != DEAD && status != SUSPENDED)
    return luaL_error(L, "cannot close a %s coroutine", status_names[status]);
  if (reset_noted(L, co) == LUA_OK) {
    lua_pushboolean(L, 1);
    return 1;
  }
  lua_pushboolean(L, 0);
  lua_xmove(co, L, 1);
  return 2;
}

void lib_coroutine_replace(lua_State *L) {
  static const luaL_Reg funcs[] = {
      {"close", co_close},     {"create", co_create}, {"isyieldable", co_isyieldable}, {"resume", co_resume},
      {"running", co_running}, {"status", co_status}, {"wrap", co_wrap},               {"yield", co_yield},
      {NULL, NULL},
  };
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (lua_getfield(L, -1, LUA_COLIBNAME) == LUA_TTABLE) luaL_setfuncs(L, funcs, 0);
  lua_pop(L, 2);
}
