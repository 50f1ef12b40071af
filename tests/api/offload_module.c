/* A module that has Lua functions called in processes, for offload_test.lua. */
#include <gilua_native.h>

/* offload(f, ...): what f returns in the shared pool */
static int l_offload(lua_State *L) {
  if (gilua_offload(L, lua_gettop(L) - 1, LUA_MULTRET) != GILUA_OK) return lua_error(L);
  return lua_gettop(L);
}

/* offload_two(f, ...): the same with two results, below a value that must stay; code, results or the error */
static int l_offload_two(lua_State *L) {
  lua_pushliteral(L, "below");
  lua_insert(L, 1);
  lua_pushinteger(L, gilua_offload(L, lua_gettop(L) - 2, 2));
  luaL_argcheck(L, lua_type(L, 1) == LUA_TSTRING, 1, "the stack is damaged");
  lua_replace(L, 1);
  return lua_gettop(L);
}

/* submit(pool or nil, f, ...) -> code, future or error, top */
static int l_submit(lua_State *L) {
  int code = gilua_submit(L, lua_isnil(L, 1) ? 0 : 1, lua_gettop(L) - 2);
  lua_pushinteger(L, code);
  lua_replace(L, 1);
  lua_pushinteger(L, lua_gettop(L));
  return 3;
}

/* result(future, ms or nil, count or nil) -> code, what is on the stack afterwards */
static int l_result(lua_State *L) {
  int64_t deadline = INT64_MAX;
  int count = (int)luaL_optinteger(L, 3, LUA_MULTRET);
  if (!lua_isnoneornil(L, 2)) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    deadline = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec + luaL_checkinteger(L, 2) * 1000000;
  }
  lua_settop(L, 1);
  lua_pushnil(L);
  lua_insert(L, 1);
  lua_pushinteger(L, gilua_result(L, count, deadline));
  lua_replace(L, 1);
  return lua_gettop(L);
}

int luaopen_offload_module(lua_State *L) {
  static const luaL_Reg funcs[] = {
      {"offload", l_offload}, {"offload_two", l_offload_two}, {"result", l_result}, {"submit", l_submit}, {NULL, NULL}};
  gilua_module(L, "offload_module", GILUA_MANY_RUNTIMES);
  luaL_newlib(L, funcs);
  return 1;
}
