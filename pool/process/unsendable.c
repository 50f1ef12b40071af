/* What a worker sends in the place of what cannot travel. */
#include "pool/process/unsendable.h"

#include <lauxlib.h>

#include "pool/futures/chunk.h"
#include "runtime/state/error.h"

/* Pushes what the error at index i says. */
static const char *push_text(lua_State *L, int i) {
  if (!error_is(L, i, NULL)) return error_push_text(L, i);
  lua_getfield(L, i, "message");
  return error_push_text(L, -1);
}

void unsendable_push_error(lua_State *L, int i) {
  const char *kind = ERROR_PICKLE;
  int why = lua_gettop(L);
  luaL_checkstack(L, 8, NULL);
  if (error_is(L, i, NULL) && lua_getfield(L, i, "kind") == LUA_TSTRING) kind = lua_tostring(L, -1);
  const char *text = push_text(L, i), *reason = push_text(L, why);
  error_push(L, kind, "%s (the error itself cannot be sent: %s)", text, reason);
  lua_pushstring(L, reason);
  lua_setfield(L, -2, "reason");
  if (!lua_isnil(L, i + 1)) luaL_tolstring(L, i + 1, NULL);
  else lua_pushnil(L);
  lua_setfield(L, -2, "traceback");
}

typedef struct Attempt {
  PickleLink *link;
  PickleMessage message;
} Attempt;

/* (Attempt, value) */
static int attempt(lua_State *L) {
  Attempt *a = lua_touserdata(L, 1);
  pickle_dump(L, 2, 1, PICKLE_RESULTS, a->link, &a->message);
  return 0;
}

/* Whether the value on top of the stack can travel; else the reason is pushed. */
static bool can_travel(lua_State *L, PickleLink *link) {
  Attempt a = {.link = link};
  lua_pushcfunction(L, attempt);
  lua_pushlightuserdata(L, &a);
  lua_pushvalue(L, -3);
  bool can = lua_pcall(L, 2, 0, 0) == LUA_OK;
  pickle_message_free(L, &a.message);
  return can;
}

enum { ERROR = 1, TRACEBACK };

/* The error on top of the stack becomes entry k of the list of errors at that index. */
static void set_error(lua_State *L, int errors, lua_Integer k) {
  lua_createtable(L, TRACEBACK, 0);
  lua_insert(L, -2);
  error_push_traceback(L, -1);
  lua_rawseti(L, -3, TRACEBACK);
  lua_rawseti(L, -2, ERROR);
  lua_rawseti(L, errors, k);
}

/* The error of call k as text, if it cannot travel. */
static void mend_error(lua_State *L, int errors, lua_Integer k, PickleLink *link) {
  if (lua_rawgeti(L, errors, k) == LUA_TNIL || can_travel(L, link)) return;
  int reason = lua_gettop(L), entry = reason - 1;
  lua_rawgeti(L, entry, ERROR);
  lua_rawgeti(L, entry, TRACEBACK);
  lua_pushvalue(L, reason);
  unsendable_push_error(L, reason + 1);
  lua_rawseti(L, entry, ERROR);
}

void unsendable_mend_chunk(lua_State *L, int results, PickleLink *link) {
  int errors = results + CHUNK_VALUES - 1;
  lua_Integer n = lua_tointeger(L, results + 1);
  luaL_checkstack(L, 12, NULL);
  if (lua_isnil(L, errors)) {
    lua_newtable(L);
    lua_replace(L, errors);
  }
  lua_settop(L, errors);
  for (lua_Integer k = 1; k <= n; k++) {
    lua_rawgeti(L, results, k);
    if (!can_travel(L, link)) {
      set_error(L, errors, k);
      lua_pushboolean(L, false);
      lua_rawseti(L, results, k);
    }
    lua_settop(L, errors);
    mend_error(L, errors, k, link);
    lua_settop(L, errors);
  }
}
