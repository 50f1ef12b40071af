/* Reading what goes by name, and what came from here. */
#include <lauxlib.h>
#include <string.h>

#include "pool/pickle/format.h"
#include "pool/pickle/read.h"

/* Replaces the name of a module on top by the module; nil: there is none. */
static void push_module(Reader *r) {
  lua_State *L = r->L;
  int name = lua_gettop(L);
  if (lua_isnil(L, r->base + SLOT_READ_LOADED)) {
    names_push_loaded(L);
    lua_replace(L, r->base + SLOT_READ_LOADED);
  }
  lua_pushvalue(L, name);
  if (lua_rawget(L, r->base + SLOT_READ_LOADED) == LUA_TNIL && strcmp(lua_tostring(L, name), LUA_GNAME) == 0) {
    lua_pop(L, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
  } else if (lua_isnil(L, -1) && (r->flags & PICKLE_REQUIRE) != 0) {
    lua_pop(L, 1);
    lua_getglobal(L, "require");
    lua_pushvalue(L, name);
    lua_call(L, 1, 1);
  }
  lua_replace(L, name);
}

static bool can_have_name(int type) { return type == LUA_TTABLE || type == LUA_TFUNCTION || type == LUA_TUSERDATA; }

static _Noreturn void unknown(Reader *r, size_t at, int names, int n) {
  lua_State *L = r->L;
  const char *module = lua_tostring(L, names);
  const char *what = n == 1 ? module
                     : strcmp(module, LUA_GNAME) == 0
                         ? lua_tostring(L, names + 1)
                         : lua_pushfstring(L, "%s.%s", module, lua_tostring(L, names + 1));
  reader_damaged(r, at, r->link != NULL ? "'%s' is not here: it was defined after the pool was made" : "'%s' is not here",
                 what);
}

void reader_name(Reader *r, size_t at, unsigned tag) {
  lua_State *L = r->L;
  int names = lua_gettop(L) + 1, n = (tag & ~(unsigned)TAG_SHARED) == TAG_MODULE ? 1 : 2;
  if ((r->flags & PICKLE_NAMES) == 0) reader_damaged(r, at, "names are not allowed here");
  for (int i = 0; i < n; i++) reader_string(r);
  lua_pushvalue(L, names);
  push_module(r);
  if (n == 2 && lua_istable(L, -1)) {
    lua_pushvalue(L, names + 1);
    lua_rawget(L, -2);
  } else if (n == 2) {
    lua_pushnil(L);
  }
  if (!can_have_name(lua_type(L, -1))) unknown(r, at, names, n);
  lua_replace(L, names);
  lua_settop(L, names);
  reader_remember(r, at, tag);
}

void reader_origin(Reader *r, size_t at) {
  lua_State *L = r->L;
  uint64_t number = reader_varint(r);
  if (r->origins == 0 || r->origins == LUA_NOREF) reader_damaged(r, at, "an origin, where nothing was sent");
  if (lua_rawgeti(L, LUA_REGISTRYINDEX, r->origins) == LUA_TFUNCTION && number == 1) return;
  if (!lua_istable(L, -1) || number > INT64_MAX || lua_rawgeti(L, -1, (lua_Integer)number) == LUA_TNIL)
    reader_damaged(r, at, "an origin that was not sent");
  lua_remove(L, -2);
}
