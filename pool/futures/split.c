/* Halving a chunk until it can be sent, or is one call. */
#include "pool/futures/split.h"

#include <string.h>

#include "runtime/state/call.h"
#include "runtime/state/error.h"

/* (executor, function, batch, Chunk) -> Future */
static int submit_protected(lua_State *L) {
  const Chunk *chunk = lua_touserdata(L, 4);
  lua_settop(L, 3);
  executor_submit_chunk(L, 1, chunk);
  return 1;
}

/* Whether the error on top of the stack but one concerns every call. */
static bool of_all(lua_State *L, const Executor *e) {
  int error = lua_gettop(L) - 1;
  bool of_function = error_is(L, error, NULL) && lua_getfield(L, error, "path") == LUA_TSTRING &&
                     strncmp(lua_tostring(L, -1), "function", strlen("function")) == 0;
  lua_settop(L, error + 1);
  return of_function || e->state != EXECUTOR_OPEN;
}

/* Pushes the arguments of so many calls of the batch at that index. */
static void push_part(lua_State *L, int batch, const Split *s, int count) {
  lua_Integer values = (lua_Integer)count * s->chunk.arity, before = (lua_Integer)s->done * s->chunk.arity;
  if (s->done == 0 && count == s->chunk.count) {
    lua_pushvalue(L, batch);
    return;
  }
  lua_createtable(L, (int)values, 0);
  for (lua_Integer k = 1; k <= values; k++) {
    lua_rawgeti(L, batch, before + k);
    lua_rawseti(L, -2, k);
  }
}

/* Submits that many calls; the Future is on top, or the error and its traceback. */
static bool submit(lua_State *L, int i, const Split *s, int count) {
  int batch = lua_gettop(L);
  Chunk part = s->chunk;
  part.count = count;
  lua_pushcfunction(L, submit_protected);
  lua_pushvalue(L, i);
  lua_pushvalue(L, batch - 1);
  push_part(L, batch, s, count);
  lua_pushlightuserdata(L, &part);
  CallResult result = call_user(L, 4, 1);
  if (result == CALL_REQUESTED) lua_error(L);
  return result == CALL_OK;
}

int split_submit(lua_State *L, int i, Split *s) {
  int top = lua_gettop(L), count = s->size > 0 && s->size < s->chunk.count ? s->size : s->chunk.count;
  i = lua_absindex(L, i);
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  while (!submit(L, i, s, count)) {
    if (of_all(L, executor_at(L, i))) return 0;
    if (count == 1) {
      future_new(L, NULL, NULL, 0);
      lua_insert(L, top + 1);
      future_set_error(L, top + 1);
      break;
    }
    s->size = count /= 2;
    lua_settop(L, top);
  }
  if (s->size > 0) s->size = 2 * count;
  s->done += count;
  s->chunk.count -= count;
  return count;
}
