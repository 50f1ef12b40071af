/* Writing by __reduce. */
#include "pool/pickle/write_reduce.h"

#include <lauxlib.h>

#include "pool/pickle/emit.h"
#include "pool/pickle/path.h"
#include "runtime/state/error.h"

/* What the userdata at i stands for lasts as long as the message. */
static void pin(Writer *w, int i) {
  lua_pushvalue(w->L, i);
  lua_rawsetp(w->L, w->base + SLOT_PINS, lua_touserdata(w->L, i));
  w->pins = true;
}

/* PICKLE_KEPT on top is pinned and popped. */
static void keep_last(Writer *w) {
  lua_State *L = w->L;
  if (lua_type(L, -1) != LUA_TUSERDATA || luaL_getmetafield(L, -1, PICKLE_KEPT) == LUA_TNIL) return;
  lua_pop(L, 1);
  pin(w, lua_gettop(L));
  lua_pop(L, 1);
}

/* Whether the object on top, whose __reduce is below it, is to share with others; then the table for that is pushed. */
static bool push_shares(Writer *w) {
  if (lua_type(w->L, -1) != LUA_TUSERDATA || luaL_getmetafield(w->L, -1, PICKLE_SHARES) == LUA_TNIL) return false;
  lua_pop(w->L, 1);
  lua_pushvalue(w->L, w->base + SLOT_SHARES);
  return true;
}

void writer_begin_shares(Writer *w) {
  lua_State *L = w->L;
  if ((w->mode & RESTART_AGAIN) == 0) {
    lua_newtable(L);
    lua_replace(L, w->base + SLOT_SHARES);
  }
  lua_pushinteger(L, (w->mode & RESTART_AGAIN) == 0 ? 1 : 2);
  lua_rawseti(L, w->base + SLOT_SHARES, PICKLE_WALK);
}

void writer_end_shares(Writer *w) {
  if ((w->mode & RESTART_ANCHORING) == 0 || (w->mode & RESTART_AGAIN) != 0) return;
  if (lua_rawgeti(w->L, w->base + SLOT_SHARES, PICKLE_AGAIN) != LUA_TNIL) w->restart |= RESTART_AGAIN;
  lua_pop(w->L, 1);
}

/* Calls __reduce, which is on top of the object; the list {constructor, arguments…} takes the place of both. Returns
 * its length. */
static uint32_t call_reduce(Writer *w) {
  lua_State *L = w->L;
  lua_insert(L, -2);
  int function = lua_gettop(L) - 1;
  lua_pushvalue(L, -1); /* stays, for the path of an error */
  lua_insert(L, function);
  int status = error_call(L, push_shares(w) ? 2 : 1, LUA_MULTRET);
  if (status != LUA_OK) error_pass_on(L, status);
  w->generation++; /* strings may have gone, and metatables changed */
  w->plain_meta = w->settled_meta = NULL;
  luaL_checkstack(L, 3, NULL);
  if (lua_gettop(L) > function) keep_last(w);
  int n = lua_gettop(L) - function;
  if (n < 1 || !lua_isfunction(L, function + 1)) {
    lua_settop(L, function);
    writer_refuse(w, "its __reduce must return a function and its arguments");
  }
  lua_createtable(L, n, 0);
  lua_replace(L, function);
  for (int i = n; i > 0; i--) lua_rawseti(L, function, i);
  return (uint32_t)n;
}

void writer_reduce(Writer *w, size_t at) {
  if ((w->mode & RESTART_ANCHORING) == 0) {
    w->restart |= RESTART_ANCHORING;
    return;
  }
  if (w->link != NULL && lua_isuserdata(w->L, -2)) pin(w, lua_gettop(w->L) - 1);
  uint32_t n = call_reduce(w);
  writer_reserve(w, SCALAR_ROOM);
  writer_byte(w, TAG_REDUCE);
  writer_varint(w, n);
  writer_push(w, FRAME_REDUCE, at, n);
}

/* Pushes field i of the writer's list of names (1: __reduce, 2: __gc, 3: __close) of the metatable on top. */
static bool has_field(Writer *w, int i) {
  lua_rawgeti(w->L, w->base + SLOT_FIELDS, i);
  if (lua_rawget(w->L, -2) != LUA_TNIL) return true;
  lua_pop(w->L, 1);
  return false;
}

bool writer_has_reduce(Writer *w) {
  lua_State *L = w->L;
  const void *meta = lua_topointer(L, -1);
  if (has_field(w, 1)) {
    lua_remove(L, -2);
    return true;
  }
  if (lua_istable(L, -2) && (has_field(w, 2) || has_field(w, 3))) {
    lua_pop(L, 2);
    writer_refuse(w, "it has a __gc or __close, and no __reduce that says how to send it");
  }
  w->plain_meta = meta;
  lua_pop(L, 1);
  return false;
}
