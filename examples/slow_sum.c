/* A native module that computes without the lock: slow_sum.sum{numbers} adds them the slow and exact way.
 *
 *   cc -shared -fPIC examples/slow_sum.c $(pkg-config --cflags gilua) -o slow_sum.so
 *   LUA_CPATH=./?.so gilua examples/slow_sum.lua
 *
 * The same file works in a plain lua5.4, where the block is just a block.
 */
#include <gilua_native.h>
#include <stdlib.h>

/* Kahan's summation. */
static double sum(const double *numbers, size_t n) {
  double total = 0, lost = 0;
  for (size_t i = 0; i < n; i++) {
    double term = numbers[i] - lost, next = total + term;
    lost = (next - total) - term;
    total = next;
  }
  return total;
}

static int l_sum(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  size_t n = (size_t)lua_rawlen(L, 1);
  /* on the stack, so nothing frees it meanwhile */
  double *numbers = lua_newuserdatauv(L, (n + 1) * sizeof *numbers, 0);
  for (size_t i = 0; i < n; i++) {
    lua_rawgeti(L, 1, (lua_Integer)i + 1);
    numbers[i] = luaL_checknumber(L, -1);
    lua_pop(L, 1);
  }
  double result = 0;
  GILUA_BLOCKING(L) { result = sum(numbers, n); } /* no Lua in here: only what was copied */
  lua_pushnumber(L, result);
  return 1;
}

int luaopen_slow_sum(lua_State *L) {
  static const luaL_Reg funcs[] = {{"sum", l_sum}, {NULL, NULL}};
  gilua_module(L, "slow_sum", GILUA_MANY_RUNTIMES);
  luaL_newlib(L, funcs);
  return 1;
}
