/* What the C API costs. usage: embed CASE N
 *   blocking         blocking_begin and blocking_end, nobody waiting
 *   native_blocking  the same through gilua_native.h
 *   enter_leave      gilua_enter and gilua_leave of a thread that was there before
 *   open_close       gilua_open and gilua_close            lua_open_close   luaL_newstate, luaL_openlibs, lua_close
 *   runtimes         N runtimes that compute, one after the other and on a thread each; "ratio" is the first over the second
 *   lua_states       the same with plain Lua states: what the machine gives
 */
#include <lauxlib.h>
#include <lualib.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interp/gilua_native.h"
#include "runtime/sync/blocking.h"

enum { MOST_RUNTIMES = 64 };

static void need(int err) {
  if (err == 0) return;
  fprintf(stderr, "%s\n", gilua_strerror(err));
  exit(1);
}

static void emit(const char *name, long n, int64_t ns, double ratio) {
  printf("{\"bench\":\"%s\",\"n\":%ld,\"seconds\":%.6f,\"per_op_ns\":%.3f,\"ratio\":%.3f}\n", name, n, (double)ns / 1e9,
         (double)ns / (double)n, ratio);
}

static void inside(const char *name, long n, void (*f)(gilua_Runtime *rt, lua_State *L, long n)) {
  gilua_Runtime *rt;
  lua_State *L;
  need(gilua_open(&rt, NULL));
  need(gilua_enter(rt, &L));
  int64_t start = clock_ns();
  f(rt, L, n);
  emit(name, n, clock_ns() - start, 0);
  need(gilua_leave(rt, L));
  need(gilua_close(rt));
}

static void blocking(gilua_Runtime *rt, lua_State *L, long n) {
  (void)rt, (void)L;
  Tstate *ts = tstate_self();
  for (long i = 0; i < n; i++) {
    blocking_begin(ts, "bench");
    blocking_end(ts);
  }
}

static void native_blocking(gilua_Runtime *rt, lua_State *L, long n) {
  (void)rt;
  for (long i = 0; i < n; i++) GILUA_BLOCKING(L) {}
}

static void enter_leave(gilua_Runtime *rt, lua_State *L, long n) {
  gilua_leave(rt, L);
  for (long i = 0; i < n; i++) {
    gilua_enter(rt, &L);
    gilua_leave(rt, L);
  }
  gilua_enter(rt, &L);
}

static void open_close(long n) {
  int64_t start = clock_ns();
  for (long i = 0; i < n; i++) {
    gilua_Runtime *rt;
    need(gilua_open(&rt, NULL));
    need(gilua_close(rt));
  }
  emit("open_close", n, clock_ns() - start, 0);
}

static void lua_open_close(long n) {
  int64_t start = clock_ns();
  for (long i = 0; i < n; i++) {
    lua_State *L = luaL_newstate();
    luaL_openlibs(L);
    lua_close(L);
  }
  emit("lua_open_close", n, clock_ns() - start, 0);
}

static const char work[] =
    "local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end fib(32) "
    "local t = {} for i = 1, 2000000 do t[i % 1000] = {i} end";

static void *compute(void *rt) {
  need(gilua_run_string(rt, work, "=work"));
  return NULL;
}

static void *compute_plain(void *L) {
  if (luaL_dostring(L, work) != LUA_OK) exit(1);
  return NULL;
}

/* All of them one after the other, then at the same time. */
static void side_by_side(const char *name, void **states, int n, void *(*f)(void *)) {
  pthread_t threads[MOST_RUNTIMES];
  for (int i = 0; i < n; i++) f(states[i]); /* warm */
  int64_t start = clock_ns();
  for (int i = 0; i < n; i++) f(states[i]);
  int64_t serial = clock_ns() - start;
  start = clock_ns();
  for (int i = 0; i < n; i++)
    if (pthread_create(&threads[i], NULL, f, states[i]) != 0) exit(1);
  for (int i = 0; i < n; i++) pthread_join(threads[i], NULL);
  int64_t parallel = clock_ns() - start;
  emit(name, n, parallel, (double)serial / (double)parallel);
}

static void runtimes(int n) {
  gilua_Runtime *rts[MOST_RUNTIMES];
  if (n < 1 || n > MOST_RUNTIMES) exit(2);
  for (int i = 0; i < n; i++) need(gilua_open(&rts[i], NULL));
  side_by_side("runtimes", (void **)rts, n, compute);
  for (int i = 0; i < n; i++) need(gilua_close(rts[i]));
}

static void lua_states(int n) {
  lua_State *states[MOST_RUNTIMES];
  if (n < 1 || n > MOST_RUNTIMES) exit(2);
  for (int i = 0; i < n; i++) luaL_openlibs(states[i] = luaL_newstate());
  side_by_side("lua_states", (void **)states, n, compute_plain);
  for (int i = 0; i < n; i++) lua_close(states[i]);
}

int main(int argc, char **argv) {
  long n = argc > 2 ? strtol(argv[2], NULL, 10) : 1000;
  const char *name = argc > 1 ? argv[1] : "";
  if (strcmp(name, "blocking") == 0) inside(name, n, blocking);
  else if (strcmp(name, "native_blocking") == 0) inside(name, n, native_blocking);
  else if (strcmp(name, "enter_leave") == 0) inside(name, n, enter_leave);
  else if (strcmp(name, "open_close") == 0) open_close(n);
  else if (strcmp(name, "lua_open_close") == 0) lua_open_close(n);
  else if (strcmp(name, "runtimes") == 0) runtimes((int)n);
  else if (strcmp(name, "lua_states") == 0) lua_states((int)n);
  else return fputs("usage: embed blocking|native_blocking|enter_leave|open_close|lua_open_close|runtimes|lua_states N\n", stderr), 2;
  return 0;
}
