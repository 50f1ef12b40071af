/* gilua.h: running code, and how a runtime is configured. */
#include <signal.h>

#include "host.h"

static void test_basics(void) {
  gilua_Runtime *rt = opened(NULL);
  lua_State *L, *M;
  CHECK(rt != NULL && runs(rt, "x = 41 + 1; assert(require('gilua').threading)"));
  CHECK(fails(rt, "local function f() error('boo') end f()", "test:1: boo"));
  CHECK(strstr(gilua_error(rt), "stack traceback:") != NULL);
  CHECK(fails(rt, "x =", "unexpected symbol"));
  CHECK(gilua_leave(rt, NULL) == GILUA_EINVAL);
  CHECK(gilua_enter(rt, &L) == 0 && gilua_enter(rt, &M) == 0 && L == M);
  lua_getglobal(L, "x");
  CHECK(lua_tointeger(L, -1) == 42);
  CHECK(luaL_loadstring(L, "local a, b = ... return a + b, a * b") == LUA_OK);
  lua_pushinteger(L, 6);
  lua_pushinteger(L, 7);
  CHECK(gilua_call(rt, L, 2, LUA_MULTRET) == 0 && lua_tointeger(L, -2) == 13 && lua_tointeger(L, -1) == 42);
  CHECK(luaL_loadstring(L, "error({})") == LUA_OK && gilua_call(rt, L, 0, 0) == GILUA_ELUA);
  CHECK(strstr(lua_tostring(L, -1), "error object is a table value") != NULL);
  CHECK(gilua_close(rt) == GILUA_ETHREAD); /* from inside */
  CHECK(gilua_leave(rt, M) == 0 && gilua_leave(rt, L) == 0 && gilua_leave(rt, L) == GILUA_EOUTSIDE);
  CHECK(gilua_enter(rt, &L) == 0 && lua_gettop(L) == 0 && gilua_leave(rt, L) == 0);
  CHECK(gilua_call(rt, L, 0, 0) == GILUA_EOUTSIDE);
  CHECK(gilua_close(rt) == 0 && gilua_close(rt) == GILUA_ECLOSING);
  CHECK(gilua_run_string(rt, "", NULL) == GILUA_ECLOSING && gilua_keep(rt) == GILUA_ECLOSING);
}

static void test_files(void) {
  char path[] = "/tmp/gilua_api_XXXXXX", *argv[] = {(char *)"zero", (char *)"one", (char *)"two"};
  int fd = mkstemp(path);
  FILE *f = fdopen(fd, "w");
  fputs("assert(arg[0] == 'zero' and arg[2] == 'two'); local a, b, c = ... assert(a == 'one' and b == 'two' and c == nil)", f);
  fclose(f);
  gilua_Runtime *rt = opened(NULL);
  CHECK(gilua_run_file(rt, path, 3, argv) == 0);
  unlink(path);
  CHECK(gilua_run_file(rt, path, 0, NULL) == GILUA_ELUA && strstr(gilua_error(rt), "cannot open") != NULL);
  CHECK(gilua_run_file(rt, path, 1, NULL) == GILUA_EINVAL);
  CHECK(gilua_close(rt) == 0);
}

typedef struct Reading {
  gilua_Runtime *rt;
  const char *path;
  int err;
} Reading;

static void *read_script(void *arg) {
  Reading *r = arg;
  r->err = gilua_run_file(r->rt, r->path, 0, NULL);
  return NULL;
}

/* A pipe that stays empty until the host has been in; scripts themselves may have no files. */
static void test_slow_file(unsigned libraries) {
  gilua_Config config = {.libraries = libraries};
  gilua_Runtime *rt = opened(&config);
  int ends[2];
  char path[40];
  pthread_t t;
  CHECK(rt != NULL && pipe(ends) == 0);
  snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
  Reading r = {.rt = rt, .path = path, .err = 1};
  gilua_Stats stats = {0};
  pthread_create(&t, NULL, read_script, &r);
  for (int i = 0; i < 200 && stats.threads < 2; i++) CHECK(usleep(1000) == 0 && gilua_stats(rt, &stats) == 0);
  for (int i = 0; i < 50; i++) CHECK(usleep(1000) == 0 && gilua_stats(rt, &stats) == 0);
  CHECK(write(ends[1], "seen = 1", 8) == 8);
  close(ends[1]);
  pthread_join(t, NULL);
  close(ends[0]);
  CHECK(r.err == 0 && runs(rt, "assert(seen == 1)"));
  CHECK(gilua_close(rt) == 0);
}

static void test_bad_configuration(void) {
  const gilua_Config bad[] = {{.policy = 7}, {.preempt = -1}, {.switch_interval_ns = 1}, {.signal_number = SIGKILL},
                              {.signal_number = 1000}, {.stack_size_bytes = 4096}, {.shutdown_timeout_ns = -1},
                              {.libraries = 1u << 31}};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    gilua_Runtime *rt = (gilua_Runtime *)&rt;
    CHECK(gilua_open(&rt, &bad[i]) == GILUA_EINVAL && rt == NULL);
  }
}

static void test_preemption(void) {
  const gilua_Config configs[] = {{.policy = GILUA_POLICY_INTERVAL}, {.policy = GILUA_POLICY_TICKS},
                                  {.preempt = GILUA_PREEMPT_COUNT}, {.signal_number = SIGUSR1},
                                  {.switch_interval_ns = 100000}, {.stack_size_bytes = 2 << 20}};
  for (size_t i = 0; i < sizeof configs / sizeof configs[0]; i++) {
    gilua_Runtime *rt = opened(&configs[i]);
    CHECK(rt != NULL && runs(rt, two_spinners));
    CHECK(gilua_close(rt) == 0);
  }
}

static void test_fields_arrive(void) {
  gilua_Config config = {.policy = GILUA_POLICY_TICKS, .switch_interval_ns = 2000000, .stack_size_bytes = 3 << 20};
  gilua_Runtime *rt = opened(&config);
  CHECK(runs(rt, "local gil = require 'gilua.gil'; assert(gil.policy() == 'ticks' and gil.switch_interval() == 0.002)"
                 "assert(require'gilua.threading'.stack_size() == 3 << 20)"));
  CHECK(gilua_close(rt) == 0);
}

static void test_no_preemption(void) {
  gilua_Config config = {.preempt = GILUA_PREEMPT_NONE};
  gilua_Runtime *rt = opened(&config);
  CHECK(runs(rt, "local th, time = require 'gilua.threading', require 'gilua.time'\n"
                 "local n = 0; local t = th.start(function() n = 1 end)\n"
                 "for i = 1, 5e6 do end\n"
                 "assert(n == 0) t:join() assert(n == 1)"));
  CHECK(gilua_close(rt) == 0);
}

int main(void) {
  TEST("a host runs code, enters, nests, leaves and closes", test_basics(););
  TEST("a file gets its arguments", test_files(););
  TEST("others run while a script is read", test_slow_file(GILUA_LIB_ALL););
  TEST("so they do where scripts may read no files", test_slow_file(GILUA_LIB_SAFE););
  TEST("a configuration out of range is refused", test_bad_configuration(););
  TEST("every policy and way of preemption lets two threads run", test_preemption(););
  TEST("policy, interval and stack size arrive", test_fields_arrive(););
  TEST("without preemption only waits let others run", test_no_preemption(););
  return check_failures != 0;
}
