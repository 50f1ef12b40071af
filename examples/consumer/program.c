/* Sums what threads of Lua give. */
#include <gilua.h>
#include <lua.h>
#include <stdio.h>

static const char script[] =
    "local threads, sum = {}, 0\n"
    "for i = 1, n do threads[i] = require 'gilua.threading'.start(function() return i end) end\n"
    "for _, thread in ipairs(threads) do sum = sum + thread:result() end\n"
    "print(sum)\n";

static int give_number(gilua_Runtime *rt, lua_Integer n) {
  lua_State *L;
  int err = gilua_enter(rt, &L);
  if (err != 0) return err;
  lua_pushinteger(L, n);
  lua_setglobal(L, "n");
  gilua_leave(rt, L);
  return 0;
}

int main(void) {
  gilua_Runtime *rt;
  int err = gilua_open(&rt, NULL);
  if (err == 0) err = give_number(rt, 10);
  if (err == 0) err = gilua_run_string(rt, script, "=sum");
  if (err != 0) fprintf(stderr, "%s\n", err == GILUA_ELUA ? gilua_error(rt) : gilua_strerror(err));
  gilua_close(rt);
  return err != 0;
}
