/* Reading what goes by name or by number, and what came from here. */
#include "pool/pickle/read_name.h"

#include <lauxlib.h>
#include <string.h>

#include "pool/pickle/format.h"
#include "pool/pickle/modules.h"
#include "runtime/state/error.h"
#include "runtime/state/require.h"

/* Replaces the name of a module on top by the module; nil: there is none. */
static void push_module(Reader *r) {
  lua_State *L = r->L;
  int name = lua_gettop(L);
  if (lua_isnil(L, r->base + SLOT_READ_LOADED)) {
    modules_push_loaded(L);
    lua_replace(L, r->base + SLOT_READ_LOADED);
  }
  lua_pushvalue(L, name);
  names_push_root(L, r->base + SLOT_READ_LOADED);
  if (lua_isnil(L, -1) && (r->flags & PICKLE_REQUIRE) != 0) {
    lua_pop(L, 1);
    require_push(L);
    lua_pushvalue(L, name);
    int status = error_call(L, 1, 1);
    if (status != LUA_OK) error_pass_on(L, status);
  }
  lua_replace(L, name);
}

/* The n keys of a name stand at `keys`. */
static _Noreturn void unknown(Reader *r, size_t at, int keys, int n) {
  lua_State *L = r->L;
  luaL_Buffer b;
  bool global = n > 1 && strcmp(lua_tostring(L, keys), LUA_GNAME) == 0;
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  luaL_buffinit(L, &b);
  for (int i = global ? 1 : 0; i < n; i++) {
    if (i > (global ? 1 : 0)) luaL_addchar(&b, '.');
    luaL_addstring(&b, lua_tostring(L, keys + i));
  }
  luaL_pushresult(&b);
  const char *why = r->link != NULL ? ": it was defined after the pool was made" : "";
  reader_damaged(r, at, "'%s' is not here%s", lua_tostring(L, -1), why);
}

static bool has_field(lua_State *L, const char *name) {
  lua_pushstring(L, name);
  bool has = lua_rawget(L, -2) != LUA_TNIL;
  lua_pop(L, 1);
  return has;
}

static bool has_metatable(lua_State *L) {
  bool has = lua_getmetatable(L, -1);
  if (has) lua_pop(L, 1);
  return has;
}

/* From outside a name leads to a class: a table that is to be a metatable, has a field that begins with "__", or is
 * empty, and no proxy: that would answer as its metatable likes. What a class does is the program's, but that its objects have
 * an end is not the message's to decide. */
void reader_check_class(Reader *r, size_t at) {
  lua_State *L = r->L;
  bool meta = reader_at_metatable(r);
  if ((r->flags & PICKLE_NAMES) != 0) return;
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
  bool class = lua_istable(L, -2) && !lua_rawequal(L, -1, -2) && !lua_rawequal(L, -2, r->base + SLOT_READ_LOADED);
  lua_pop(L, 1);
  if (class && !meta) {
    lua_pushnil(L);
    bool empty = !lua_next(L, -2);
    if (!empty) lua_pop(L, 2);
    class = empty ? !has_metatable(L) : names_look_at(L, 0) == TABLE_CLASS;
  }
  if (!class) reader_damaged(r, at, "a name that is no class's needs functions = true");
  if (has_field(L, "__gc") || has_field(L, "__close"))
    reader_damaged(r, at, "a class with __gc or __close needs functions = true");
}

void reader_name(Reader *r, size_t at, unsigned tag) {
  lua_State *L = r->L;
  int keys = lua_gettop(L) + 1;
  unsigned kind = tag & ~(unsigned)TAG_SHARED;
  int n = kind == TAG_MODULE ? 1 : 2;
  if ((r->flags & (PICKLE_CLASSES | PICKLE_NAMES)) == 0) reader_damaged(r, at, "names are not allowed here");
  if (kind == TAG_PATH) {
    reader_need(r, 1);
    n = *r->p++;
    if (n == 0 || n > NAME_MOST_KEYS) reader_damaged(r, at, "a name of %d keys", n);
  }
  for (int i = 0; i < n; i++) reader_key(r);
  lua_pushvalue(L, keys);
  push_module(r);
  for (int i = 1; i < n && !lua_isnil(L, -1); i++) {
    if (!lua_istable(L, -1)) unknown(r, at, keys, n);
    lua_pushvalue(L, keys + i);
    lua_rawget(L, -2);
    lua_remove(L, -2);
  }
  if (!can_have_name(lua_type(L, -1))) unknown(r, at, keys, n);
  lua_replace(L, keys);
  lua_settop(L, keys);
  reader_check_class(r, at);
  reader_remember(r, at, tag);
}

void reader_known(Reader *r, size_t at, unsigned tag) {
  uint64_t number = reader_varint(r);
  if (r->link == NULL) reader_damaged(r, at, "an object by number in a message that stands alone");
  link_push_known(r->L, r->link, number);
  if (lua_isnil(r->L, -1)) reader_damaged(r, at, "an object of when the pool was made is not here any more");
  reader_remember(r, at, tag);
}

void reader_origin(Reader *r, size_t at, unsigned tag) {
  lua_State *L = r->L;
  uint64_t number = reader_varint(r);
  if (r->origins == 0 || r->origins == LUA_NOREF) reader_damaged(r, at, "an origin, where nothing was sent");
  if (lua_rawgeti(L, LUA_REGISTRYINDEX, r->origins) != LUA_TFUNCTION || number != 1) {
    if (!lua_istable(L, -1) || number > INT64_MAX || lua_rawgeti(L, -1, (lua_Integer)number) == LUA_TNIL)
      reader_damaged(r, at, "an origin that was not sent");
    lua_remove(L, -2);
  }
  reader_remember(r, at, tag);
}
