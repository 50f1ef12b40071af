/* Taking instructions apart. */
#include "runtime/race/access.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

enum { MOST_HOPS = 8 /* from a table to its __index, and on */ };

static void note(const Accesses *a, const Spot *spot, Place place, AccessHow how) {
  a->sink->access(a->sink->data, a, spot, &place, how);
}

/* The key at index i of the stack; false: no table has it. */
static bool read_key(lua_State *L, int i, Place *place) {
  size_t n;
  const char *text;
  int exact;
  switch (lua_type(L, i)) {
    case LUA_TNIL: return false;
    case LUA_TBOOLEAN: *place = (Place){.kind = KEY_BOOLEAN, .key = (uint64_t)lua_toboolean(L, i)}; break;
    case LUA_TSTRING:
      text = lua_tolstring(L, i, &n);
      *place = (Place){.kind = KEY_TEXT, .key = spots_hash(text, n)};
      break;
    case LUA_TNUMBER: {
      lua_Number number = lua_tonumber(L, i);
      *place = (Place){.kind = KEY_INTEGER, .key = (uint64_t)lua_tointegerx(L, i, &exact)};
      if (exact) break;
      place->kind = KEY_FLOAT;
      memcpy(&place->key, &number, sizeof place->key);
      break;
    }
    default: *place = (Place){.kind = KEY_OBJECT, .key = (uint64_t)(uintptr_t)lua_topointer(L, i)};
  }
  return true;
}

/* Pushes what the table on top of the stack has for the key. */
static void push_raw(const Accesses *a, lua_State *L, const Spot *spot, const Place *place) {
  int table = lua_gettop(L);
  if (spot->text != NULL) lua_pushlstring(L, spot->text, spot->length);
  else if (a->key != 0) lua_pushvalue(L, a->key);
  else lua_pushinteger(L, (lua_Integer)place->key);
  lua_rawget(L, table);
}

/* A table that has a metatable is on top of the stack. True: the access goes on at the table that is there afterwards; else
 * *there says whether it was one to this table. */
static bool leads_on(const Accesses *a, lua_State *L, const Spot *spot, const Place *place, bool writes, bool *there) {
  int table = lua_gettop(L);
  lua_pushvalue(L, table);
  push_raw(a, L, spot, place);
  bool is_nil = lua_isnil(L, -1);
  lua_settop(L, table);
  *there = true;
  if (!is_nil || luaL_getmetafield(L, table, writes ? "__newindex" : "__index") == LUA_TNIL) return false;
  *there = false;
  bool on = lua_istable(L, -1);
  if (on) lua_replace(L, table);
  lua_settop(L, table);
  return on;
}

static bool has_metatable(lua_State *L) {
  bool has = lua_getmetatable(L, -1);
  if (has) lua_pop(L, 1);
  return has;
}

/* What metamethods there are, and what they do, is not of the place. */
static void note_others(Accesses *a) {
  int type = lua_type(a->L, -1);
  if (a->sink->other != NULL && type != LUA_TSTRING && (type != LUA_TTABLE || has_metatable(a->L))) a->sink->other(a->sink->data);
}

/* The access is to the value on top of the stack, which is popped; place says by which key. */
static void note_field(Accesses *a, const Spot *spot, Place place, bool writes) {
  lua_State *L = a->L;
  bool on = true;
  note_others(a);
  for (int hops = 0; on && hops < MOST_HOPS && lua_istable(L, -1); hops++) {
    bool there = true;
    place.base = lua_topointer(L, -1);
    const void *base = place.base;
    if (writes && place.kind == KEY_INTEGER) {
      bool adds = lua_rawgeti(L, -1, (lua_Integer)place.key) == LUA_TNIL;
      lua_pop(L, 1);
      if (adds) note(a, spot, (Place){.base = base, .kind = KEY_BORDER}, ADDS);
    }
    on = has_metatable(L) && leads_on(a, L, spot, &place, writes, &there);
    note(a, spot, place, writes && there ? WRITES : READS);
  }
  lua_pop(L, 1);
}

static void note_length(Accesses *a, const Spot *spot) {
  lua_State *L = a->L;
  note_others(a);
  bool plain = lua_istable(L, -1) && luaL_getmetafield(L, -1, "__len") == LUA_TNIL;
  if (plain) note(a, spot, (Place){.base = lua_topointer(L, -1), .kind = KEY_BORDER}, READS);
}

/* Pushes a register of the function that the hook was called in. */
static void push_register(lua_State *L, lua_Debug *ar, unsigned n) {
  if (lua_getlocal(L, ar, (int)n + 1) == NULL) lua_pushnil(L);
}

/* A field of register `table` with the key in register `key`. */
static void note_by_register(Accesses *a, const Spot *spot, lua_Debug *ar, unsigned table, unsigned key,
                             bool writes) {
  lua_State *L = a->L;
  Place place;
  push_register(L, ar, key);
  a->key = lua_gettop(L);
  push_register(L, ar, table);
  if (read_key(L, a->key, &place)) note_field(a, spot, place, writes);
  a->key = 0;
}

static void note_by_constant(Accesses *a, const Spot *spot, lua_Debug *ar, unsigned table, bool writes) {
  push_register(a->L, ar, table);
  if (spot->text != NULL) note_field(a, spot, (Place){.kind = KEY_TEXT, .key = spot->hash}, writes);
}

static void note_by_integer(Accesses *a, const Spot *spot, lua_Debug *ar, unsigned table, unsigned key,
                            bool writes) {
  push_register(a->L, ar, table);
  note_field(a, spot, (Place){.kind = KEY_INTEGER, .key = key}, writes);
}

/* The function's n-th upvalue, from 0; table: a field of it, with a constant for a key, and the variable is read. */
static void note_variable(Accesses *a, const Spot *spot, lua_Debug *ar, unsigned n, bool table, bool writes) {
  lua_State *L = a->L;
  if (!lua_getinfo(L, "f", ar)) return;
  const void *id = lua_upvalueid(L, -1, (int)n + 1);
  bool environment = table && !a->sink->environment && strcmp(spot->name, "_ENV") == 0;
  if (id != NULL && !environment) note(a, spot, (Place){.base = id, .kind = KEY_VARIABLE}, writes && !table ? WRITES : READS);
  if (!table || spot->text == NULL || lua_getupvalue(L, -1, (int)n + 1) == NULL) return;
  note_field(a, spot, (Place){.kind = KEY_TEXT, .key = spot->hash}, writes);
}

static bool is_access(unsigned op) { return (op >= CODE_GETUPVAL && op <= CODE_SETFIELD) || op == CODE_SELF || op == CODE_LEN; }

static void note_spot(Accesses *a, const Spot *s, lua_Debug *ar) {
  unsigned x = code_a(s->code), y = code_b(s->code), z = code_c(s->code);
  switch (code_op(s->code)) {
    case CODE_GETUPVAL: note_variable(a, s, ar, y, false, false); break;
    case CODE_SETUPVAL: note_variable(a, s, ar, y, false, true); break;
    case CODE_GETTABUP: note_variable(a, s, ar, y, true, false); break;
    case CODE_SETTABUP: note_variable(a, s, ar, x, true, true); break;
    case CODE_GETTABLE: note_by_register(a, s, ar, y, z, false); break;
    case CODE_SETTABLE: note_by_register(a, s, ar, x, y, true); break;
    case CODE_GETI: note_by_integer(a, s, ar, y, z, false); break;
    case CODE_SETI: note_by_integer(a, s, ar, x, y, true); break;
    case CODE_GETFIELD: note_by_constant(a, s, ar, y, false); break;
    case CODE_SETFIELD: note_by_constant(a, s, ar, x, true); break;
    case CODE_SELF:
      if (code_k(s->code)) note_by_constant(a, s, ar, y, false);
      else note_by_register(a, s, ar, y, z, false);
      break;
    default:
      push_register(a->L, ar, y);
      note_length(a, s);
  }
}

bool access_tell(Accesses *a, const AccessSink *sink, lua_State *L, lua_Debug *ar) {
  const uint32_t *at = code_at(a->code, ar);
  if (!is_access(code_op(*at))) return true;
  const Spot *spot = spots_find(&a->spots, a->code, L, ar, at);
  if (spot == NULL) return false;
  int top = lua_gettop(L);
  a->sink = sink;
  a->L = L;
  a->key = 0;
  note_spot(a, spot, ar);
  lua_settop(L, top);
  return true;
}

void access_name(const Accesses *a, const Spot *spot, const Place *place, char *what, size_t n) {
  if (place->kind == KEY_VARIABLE) snprintf(what, n, "variable '%s'", spot->name);
  else if (place->kind == KEY_BORDER) snprintf(what, n, "length of a table");
  else if (spot->text != NULL) snprintf(what, n, "%s '%s'", strcmp(spot->name, "_ENV") == 0 ? "global" : "field", spot->text);
  else if (place->kind == KEY_INTEGER) snprintf(what, n, "field [%lld]", (long long)place->key);
  else if (place->kind == KEY_TEXT && a->key != 0) snprintf(what, n, "field '%s'", lua_tostring(a->L, a->key));
  else snprintf(what, n, "field of a table");
}
