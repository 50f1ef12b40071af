/* pool:map(f, list_or_iterator, ..., [options]) -> iterator: its arguments. */
#include "pool/futures/lib_futures.h"
#include "pool/futures/map.h"
#include "pool/futures/source.h"
#include "runtime/state/options.h"

/* A table of options as the last argument: strings only as keys. Behind one source, which is never options, it may be empty.
 * Behind several an empty table is a list: one that happens to be empty must not change what is called. */
static bool has_options(lua_State *L) {
  int last = lua_gettop(L);
  if (last < 4 || !lua_istable(L, last) || lua_rawlen(L, last) > 0) return false;
  if (lua_getmetatable(L, last)) { /* a list that its metamethods make */
    lua_pop(L, 1);
    return false;
  }
  lua_pushnil(L);
  if (lua_next(L, last) == 0) return last == 4;
  bool is = lua_type(L, -2) == LUA_TSTRING;
  lua_pop(L, 2);
  return is;
}

/* Reads and pops the options on top of the stack. */
static void read_options(lua_State *L, MapOptions *o) {
  static const Option known[] = {{"chunksize", OPTION_INTEGER, 1, LUA_MAXINTEGER, NULL},
                                 {"timeout", OPTION_NUMBER, 0, 0, NULL},
                                 {"buffersize", OPTION_INTEGER, 1, LUA_MAXINTEGER, NULL},
                                 {NULL, OPTION_FLAG, 0, 0, NULL}};
  int options = lua_gettop(L);
  options_take(L, options, "map", known, NULL);
  o->chunk = options_integer(L, options, "chunksize", 0);
  o->buffer = options_integer(L, options, "buffersize", 0);
  o->deadline = park_timeout_field(L, options, "map", NULL);
  lua_pop(L, 1);
}

int executor_map_method(lua_State *L) {
  executor_check_function(L, executor_check(L, 1), 2);
  luaL_checkany(L, 3);
  for (int s = 3; s <= lua_gettop(L); s++) source_refuse_pairs(L, s); /* before its table is taken for options */
  MapOptions o = {.deadline = CLOCK_NEVER, .closes = source_take_for(L, 3)};
  if (!o.closes && has_options(L)) read_options(L, &o);
  int n = lua_gettop(L) - 2 - o.closes;
  for (int s = 3; s <= n + 2; s++) source_check(L, s, 0);
  executor_check_open(L, 1);
  return map_start(L, 1, 2, n, &o);
}
