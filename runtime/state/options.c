/* Checking tables of options. */
#include "runtime/state/options.h"

#include <lauxlib.h>
#include <string.h>

#include "runtime/state/text.h"

static int unknown(lua_State *L, const char *key, const char *what, const Option *known) {
  luaL_Buffer list;
  luaL_buffinit(L, &list);
  for (const Option *o = known; o->name != NULL; o++) {
    if (o != known) luaL_addstring(&list, ", ");
    luaL_addstring(&list, o->name);
  }
  luaL_pushresult(&list);
  return luaL_error(L, "unknown field '%s' to '%s' (it has %s)", key, what, lua_tostring(L, -1));
}

/* Returns how many there are. */
static int check_names(lua_State *L, int i, const char *what, const Option *known) {
  int n = 0;
  for (lua_pushnil(L); lua_next(L, i) != 0; lua_pop(L, 1)) {
    const Option *o = known;
    while (o->name != NULL && !text_is(L, -2, o->name)) o++;
    if (o->name == NULL) unknown(L, luaL_tolstring(L, -2, NULL), what, known);
    n++;
  }
  return n;
}

static int bad(lua_State *L, const char *what, const Option *o, const char *expected) {
  return luaL_error(L, "bad field '%s' to '%s' (%s expected, got %s)", o->name, what, expected, luaL_typename(L, -1));
}

static void check_integer(lua_State *L, const char *what, const Option *o) {
  int whole;
  lua_Integer n = lua_tointegerx(L, -1, &whole);
  if (lua_type(L, -1) != LUA_TNUMBER) bad(L, what, o, "integer");
  if (whole && n >= o->least && n <= o->most) return;
  const char *got = luaL_tolstring(L, -1, NULL);
  if (o->most == LUA_MAXINTEGER)
    luaL_error(L, "bad field '%s' to '%s' (must be an integer of %I or more, got %s)", o->name, what,
               (LUAI_UACINT)o->least, got);
  luaL_error(L, "bad field '%s' to '%s' (must be an integer from %I to %I, got %s)", o->name, what,
             (LUAI_UACINT)o->least, (LUAI_UACINT)o->most, got);
}

static void check_number(lua_State *L, const char *what, const Option *o) {
  lua_Number n = lua_tonumber(L, -1);
  if (lua_type(L, -1) != LUA_TNUMBER) bad(L, what, o, "number");
  if (o->most == 0 || (n > (lua_Number)o->least && n <= (lua_Number)o->most)) return;
  luaL_error(L, "bad field '%s' to '%s' (must be a number above %I, at most %I)", o->name, what, (LUAI_UACINT)o->least,
             (LUAI_UACINT)o->most);
}

/* Replaces the word on top by its place. */
static void check_word(lua_State *L, const char *what, const Option *o) {
  luaL_Buffer list;
  for (int k = 0; o->words[k] != NULL; k++) {
    if (!text_is(L, -1, o->words[k])) continue;
    lua_pop(L, 1);
    lua_pushinteger(L, k);
    return;
  }
  luaL_buffinit(L, &list);
  for (int k = 0; o->words[k] != NULL; k++) {
    if (k > 0) luaL_addstring(&list, o->words[k + 1] != NULL ? ", " : " or ");
    luaL_addstring(&list, o->words[k]);
  }
  luaL_pushresult(&list);
  luaL_error(L, "bad field '%s' to '%s' (must be %s)", o->name, what, lua_tostring(L, -1));
}

/* Checks the value on top, which is not nil. */
static void check_value(lua_State *L, const char *what, const Option *o) {
  switch (o->kind) {
    case OPTION_FLAG:
      if (!lua_isboolean(L, -1)) bad(L, what, o, "boolean");
      break;
    case OPTION_INTEGER: check_integer(L, what, o); break;
    case OPTION_NUMBER: check_number(L, what, o); break;
    case OPTION_STRING:
      if (lua_tostring(L, -1) == NULL) bad(L, what, o, "string");
      break;
    case OPTION_WORD: check_word(L, what, o); break;
    case OPTION_LIST:
      if (!lua_istable(L, -1)) bad(L, what, o, "table");
      break;
    case OPTION_CALL:
      if (lua_isfunction(L, -1)) break;
      if (luaL_getmetafield(L, -1, "__call") == LUA_TNIL) bad(L, what, o, "function");
      lua_pop(L, 1);
  }
}

/* Pushes a table of the fields that are there. */
static void take_fields(lua_State *L, int from, const char *what, const Option *known) {
  lua_createtable(L, 0, check_names(L, from, what, known));
  int to = lua_gettop(L);
  for (const Option *o = known; o->name != NULL; o++) {
    if (lua_getfield(L, from, o->name) == LUA_TNIL) {
      lua_pop(L, 1);
      continue;
    }
    check_value(L, what, o);
    lua_setfield(L, to, o->name);
  }
}

/* The argument at i is neither a table nor what may stand in its place: says what to write. */
static void no_table(lua_State *L, int i, const char *what, const Option *known) {
  luaL_argerror(L, i, lua_pushfstring(L, "table expected, got %s: %s takes one table, {%s = …}", luaL_typename(L, i), what,
                                      known->name));
}

void options_take(lua_State *L, int i, const char *what, const Option *known, const char *alone) {
  luaL_checkstack(L, 8, NULL);
  if (lua_gettop(L) < i) lua_settop(L, i);
  for (int k = i + 1; k <= lua_gettop(L); k++)
    if (!lua_isnil(L, k))
      luaL_argerror(L, k, lua_pushfstring(L, "no value expected: %s takes one table, {%s = …}", what, known->name));
  lua_settop(L, i);
  if (alone != NULL && lua_type(L, i) == LUA_TNUMBER) {
    lua_createtable(L, 0, 1);
    lua_pushvalue(L, i);
    lua_setfield(L, -2, alone);
    lua_replace(L, i);
  }
  if (!lua_isnoneornil(L, i) && !lua_istable(L, i)) no_table(L, i, what, known);
  if (lua_isnil(L, i)) lua_newtable(L);
  else take_fields(L, i, what, known);
  lua_replace(L, i);
}

bool options_flag(lua_State *L, int i, const char *name, bool otherwise) {
  bool flag = lua_getfield(L, i, name) == LUA_TNIL ? otherwise : lua_toboolean(L, -1);
  lua_pop(L, 1);
  return flag;
}

lua_Integer options_integer(lua_State *L, int i, const char *name, lua_Integer otherwise) {
  lua_Integer n = lua_getfield(L, i, name) == LUA_TNIL ? otherwise : lua_tointeger(L, -1);
  lua_pop(L, 1);
  return n;
}

lua_Number options_number(lua_State *L, int i, const char *name, lua_Number otherwise) {
  lua_Number n = lua_getfield(L, i, name) == LUA_TNIL ? otherwise : lua_tonumber(L, -1);
  lua_pop(L, 1);
  return n;
}

int options_word(lua_State *L, int i, const char *name, int otherwise) {
  return (int)options_integer(L, i, name, otherwise);
}

/* Whether metamethods say what the table at index i has: an __index that is no class, a length. */
static bool is_proxy(lua_State *L, int i) {
  bool length = luaL_getmetafield(L, i, "__len") != LUA_TNIL;
  if (length) lua_pop(L, 1);
  int index = luaL_getmetafield(L, i, "__index");
  if (index != LUA_TNIL) lua_pop(L, 1);
  return length || index == LUA_TFUNCTION;
}

/* What is wrong with a table without metatable whose first element is nil. */
static const char *misnumbered(lua_State *L, int i, int may) {
  bool counted = false, numbers = false;
  for (lua_pushnil(L); lua_next(L, i) != 0;) {
    lua_pop(L, 1);
    bool counts = text_is(L, -1, "n");
    counted = counted || counts;
    if (lua_type(L, -1) == LUA_TNUMBER) numbers = true;
    else if (!counts) return "list expected, got a table with names";
  }
  bool holes = (may & LIST_HOLES) != 0 && (counted || lua_rawlen(L, i) > 0);
  return numbers && !holes ? "list expected, got a table whose first element is nil" : NULL;
}

const char *options_no_list(lua_State *L, int i, int may) {
  i = lua_absindex(L, i);
  int top = lua_gettop(L);
  luaL_checkstack(L, 4, NULL);
  const char *wrong = NULL;
  if (lua_getmetatable(L, i)) {
    if ((may & LIST_RAW) != 0 && lua_rawlen(L, i) == 0 && is_proxy(L, i))
      wrong = "list expected, got a table whose elements come from its metatable: copy them";
  } else if (lua_rawgeti(L, i, 1) == LUA_TNIL) {
    wrong = misnumbered(L, i, may);
  }
  lua_settop(L, top);
  return wrong;
}

void options_check_list(lua_State *L, int i, int may, const char *hint) {
  const char *wrong = options_no_list(L, i, may);
  if (wrong != NULL) luaL_argerror(L, i, lua_pushfstring(L, "%s%s", wrong, hint));
}

static int bad_list(lua_State *L, int i, const char *where, const char *what) {
  if (where == NULL) return luaL_argerror(L, i, what);
  return luaL_error(L, "bad %s (%s)", where, what);
}

int options_count(lua_State *L, int i, const char *where, int most) {
  i = lua_absindex(L, i);
  const char *wrong = options_no_list(L, i, LIST_HOLES);
  if (wrong != NULL) bad_list(L, i, where, wrong);
  int whole = 1;
  bool given = lua_getfield(L, i, "n") != LUA_TNIL;
  lua_Integer n = given ? lua_tointegerx(L, -1, &whole) : luaL_len(L, i);
  if (given && (lua_type(L, -1) != LUA_TNUMBER || !whole || n < 0))
    bad_list(L, i, where, lua_pushfstring(L, "its n must be an integer of 0 or more, got %s", luaL_tolstring(L, -1, NULL)));
  if (n > most) bad_list(L, i, where, lua_pushfstring(L, "too many arguments: %I, at most %d", (LUAI_UACINT)n, most));
  lua_pop(L, 1);
  return n < 0 ? 0 : (int)n;
}
