/* The hook armed between any two machine instructions of a Lua program: the processor's trap flag stops after each, and
 * the handler arms as the preemption signal does. The program must give the result that it gives undisturbed.
 * usage: single_step [every [mode]]   arm at every n-th instruction (7); mode 0 incremental, 1 generational (0)
 * x86-64 only; elsewhere it says so and passes. Nightly: tools/nightly runs it at every instruction.
 */
#include <lauxlib.h>
#include <lualib.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interp/state.h"
#include "runtime/state/hook.h"
#include "runtime/state/tstate.h"

static const char program[] =
    "local out = {}\n"
    "local function log(...) for i = 1, select('#', ...) do out[#out + 1] = tostring((select(i, ...))) end end\n"
    "local function va(...) return select('#', ...), ... end\n"
    "local function tail(n, ...) if n == 0 then return va(...) end return tail(n - 1, n, ...) end\n"
    "log(tail(5))\n"
    "local co = coroutine.wrap(function(a) for i = 1, 3 do a = a + coroutine.yield(a * i) end return 'end' end)\n"
    "log(co(1), co(2), co(3), co(4))\n"
    "do local c <close> = setmetatable({}, {__close = function() log('closed') end}) log('in') end\n"
    "log(pcall(function() local c <close> = setmetatable({}, {__close = function(_, e) log(e) end}) error('x', 0) end))\n"
    "local mt = {__index = function(t, k) return k .. '!' end, __add = function(a, b) return 7 end,\n"
    "            __call = function(self, x) return x end, __lt = function() return true end, __len = function() return 3 end}\n"
    "local o = setmetatable({}, mt)\n"
    "log(o.foo, o + 1, o(5), o < o, #o)\n"
    "for k, v in pairs({a = 1}) do log(k, v) end\n"
    "for i = 3, 1, -1 do log(i) end\n"
    "for w in ('a b c'):gmatch('%a') do log(w) end\n"
    "log((('xyz'):gsub('.', function(c) return c:upper() end)))\n"
    "local t = {3, 1, 2} table.sort(t, function(a, b) return a < b end) log(table.concat(t))\n"
    "local up = 0 local function count() up = up + 1 return up end for i = 1, 3 do count() end log(up)\n"
    "log(select(2, pcall(error, {1})) ~= nil, xpcall(error, function(m) return m .. '?' end, 'e'))\n"
    "local co2 = coroutine.create(function() local c <close> = setmetatable({}, {__close = function() log('cc') end})\n"
    "  coroutine.yield() end)\n"
    "coroutine.resume(co2) log(coroutine.close(co2))\n"
    "local i = 0 repeat i = i + 1 if i == 2 then goto next end ::next:: until i > 3 log(i)\n"
    "for i = 1, 20 do local s = {} for j = 1, 10 do s[j] = {j} end end\n"
    "return table.concat(out, ' ')\n";

static Tstate *self;                             /* written before the stepping starts */
static volatile unsigned long steps, every = 7;  /* the handler counts in the only thread */

#if defined(__x86_64__)
static void on_trap(int sig) {
  (void)sig;
  if (++steps % every != 0) return;
  atomic_fetch_or_explicit(&self->gil.requests, REQUEST_SWITCH, memory_order_relaxed);
  hook_arm_in_handler(self);
}

static inline void set_trap_flag(bool on) {
  /* the red zone under the stack pointer is the compiler's */
  __asm__ volatile("sub $128, %%rsp\n pushfq\n andq $~0x100, (%%rsp)\n orq %0, (%%rsp)\n popfq\n add $128, %%rsp"
                   :
                   : "r"(on ? 0x100UL : 0UL)
                   : "memory", "cc");
}
#else
static void on_trap(int sig) { (void)sig; }
static inline void set_trap_flag(bool on) { (void)on; }
#endif

static char *run(lua_State *L, bool stepping) {
  if (luaL_loadbuffer(L, program, sizeof program - 1, "=program") != LUA_OK) abort();
  if (stepping) set_trap_flag(true);
  int status = lua_pcall(L, 0, 1, 0);
  if (stepping) set_trap_flag(false);
  char *result = strdup(lua_tostring(L, -1));
  if (status != LUA_OK) printf("# error: %s\n", result);
  lua_pop(L, 1);
  return result;
}

int main(int argc, char **argv) {
  State state;
  if (argc > 1) every = strtoul(argv[1], NULL, 10);
  gilua_Config config = {0};
  if (every == 0 || state_open(&state, &config) != GILUA_OK) return 1;
  if (argc > 2 && atoi(argv[2]) == 1) lua_gc(state.L, LUA_GCGEN, 0, 0);
  self = tstate_self();
  signal(SIGTRAP, on_trap);
  char *want = run(state.L, false), *got = run(state.L, true);
  bool good = strcmp(got, want) == 0;
  printf("# %lu machine instructions, armed at every %lu.\n", steps, every);
  if (!good) printf("# want %s\n# got  %s\n", want, got);
  printf("%s - a program armed between its machine instructions gives its result\n", good ? "ok" : "not ok");
  free(want);
  free(got);
  state_close(&state);
  return good ? 0 : 1;
}
