/* gilua.h: threads that end, keep, stay; closing. */
#include <time.h>

#include "host.h"

static char told[200];
static void on_error(void *data, const char *text) {
  strncpy(data, text, sizeof told - 1);
}

static void *exits_inside(void *arg) {
  lua_State *L;
  gilua_enter(arg, &L);
  gilua_enter(arg, &L);
  return NULL;
}

static void test_errors_are_told(void) {
  gilua_Config config = {.on_error = on_error, .on_error_data = told};
  gilua_Runtime *rt = opened(&config);
  pthread_t t;
  told[0] = '\0';
  CHECK(runs(rt, "require'gilua.threading'.start(error, 'lost'):join()"));
  CHECK(strstr(told, "lost") != NULL);
  pthread_create(&t, NULL, exits_inside, rt);
  pthread_join(t, NULL);
  CHECK(strstr(told, "without gilua_leave") != NULL);
  CHECK(runs(rt, "assert(require'gilua.threading'.active_count() == 1)"));
  CHECK(gilua_close(rt) == 0);
}

static void *keeps(void *arg) {
  Gate *g = arg;
  lua_State *L;
  g->result = gilua_keep(g->rt);
  g->inside = 1;
  while (!g->go) usleep(1000);
  usleep(50000); /* closing has most likely begun */
  if (gilua_enter(g->rt, &L) != 0) g->result = 1;
  else gilua_leave(g->rt, L);
  gilua_drop(g->rt);
  return NULL;
}

static void test_keep(void) {
  Gate g = {.rt = opened(NULL)};
  pthread_t t;
  pthread_create(&t, NULL, keeps, &g);
  while (!g.inside) usleep(1000);
  g.go = 1;
  CHECK(gilua_close(g.rt) == 0);
  pthread_join(t, NULL);
  CHECK(g.result == 0);
  gilua_Config config = {.shutdown_timeout_ns = 20000000};
  gilua_Runtime *rt = opened(&config);
  CHECK(gilua_keep(rt) == 0);
  CHECK(gilua_close(rt) == 0); /* nobody drops: closing goes on when time has run out */
}

/* Its loop is C: in one of Lua a cancel that comes between two pcalls would end it. */
static void *stays_inside(void *arg) {
  Gate *g = arg;
  lua_State *L;
  if (gilua_enter(g->rt, &L) != 0) return NULL;
  for (;;) {
    lua_settop(L, 0);
    luaL_loadstring(L, "local go = ... go() while true do end");
    lua_pushlightuserdata(L, g);
    lua_pushcclosure(L, l_go, 1);
    lua_pcall(L, 1, 0, 0);
  }
}

static void test_shutdown_timeout(void) {
  gilua_Config config = {.shutdown_timeout_ns = 100000000};
  Gate g = {.rt = opened(&config)};
  pthread_t t;
  lua_State *L;
  pthread_create(&t, NULL, stays_inside, &g);
  while (!g.go) usleep(1000);
  struct timespec a, b;
  clock_gettime(CLOCK_MONOTONIC, &a);
  CHECK(gilua_close(g.rt) == GILUA_ETIMEOUT);
  clock_gettime(CLOCK_MONOTONIC, &b);
  CHECK(b.tv_sec - a.tv_sec < 20);
  CHECK(gilua_enter(g.rt, &L) == GILUA_ECLOSING);
  pthread_detach(t); /* it never gets the lock again */
}

static void *keeps_the_lock(void *arg) {
  Gate *g = arg;
  lua_State *L;
  if (gilua_enter(g->rt, &L) != 0) return NULL;
  g->inside = 1;
  while (!g->go) usleep(1000);
  gilua_leave(g->rt, L);
  return NULL;
}

static void *waits_outside(void *arg) {
  Gate *g = arg;
  lua_State *L;
  g->inside = 1;
  g->result = gilua_enter(g->rt, &L);
  return NULL;
}

/* A thread in C code has the lock for longer than the timeout; who stands in line for it is told. */
static void test_lock_that_is_kept(void) {
  gilua_Config config = {.shutdown_timeout_ns = 50000000};
  Gate keeper = {.rt = opened(&config)}, visitor = {.rt = keeper.rt};
  pthread_t k, v;
  gilua_Stats stats;
  pthread_create(&k, NULL, keeps_the_lock, &keeper);
  while (!keeper.inside) usleep(1000);
  pthread_create(&v, NULL, waits_outside, &visitor);
  while (!visitor.inside) usleep(1000);
  CHECK(gilua_close(keeper.rt) == GILUA_ETIMEOUT);
  pthread_join(v, NULL);
  CHECK(visitor.result == GILUA_ECLOSING && gilua_stats(keeper.rt, &stats) == GILUA_ECLOSING);
  CHECK(gilua_close(keeper.rt) == GILUA_ECLOSING);
  keeper.go = 1; /* it leaves what it has lost, and comes back */
  pthread_join(k, NULL);
}

/* The same while closing waits for what a pool has to do. */
static void test_pool_that_goes_on(void) {
  gilua_Config config = {.shutdown_timeout_ns = 50000000};
  gilua_Runtime *rt = opened(&config);
  CHECK(runs(rt, "pool = require'gilua.futures'.ProcessPoolExecutor{max_workers = 1}\n"
                 "pool:submit(function() require'gilua.time'.sleep(1000) end)"));
  int err = gilua_close(rt);
  CHECK(err == 0 || err == GILUA_ETIMEOUT);
}

/* The last bytes of a file, as text. */
static const char *end_of_file(const char *path) {
  static char end[16];
  FILE *f = fopen(path, "r");
  CHECK(f != NULL && fseek(f, -4, SEEK_END) == 0);
  end[fread(end, 1, sizeof end - 1, f)] = '\0';
  fclose(f);
  return end;
}

static void test_recording(void) {
  static const char trace[] = "assert(require('gilua').gil.trace('recorded.json'))";
  gilua_Runtime *rt = opened(NULL);
  CHECK(runs(rt, trace) && gilua_close(rt) == 0 && strstr(end_of_file("recorded.json"), "]") != NULL);
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  CHECK(gilua_attach(L, NULL, &rt) == 0);
  check_lua(L, luaL_dostring(L, trace));
  CHECK(gilua_close(rt) == 0 && strstr(end_of_file("recorded.json"), "]") != NULL);
  CHECK(gilua_attach(L, NULL, &rt) == 0);
  check_lua(L, luaL_dostring(L, trace));
  lua_close(L);
  CHECK(strstr(end_of_file("recorded.json"), "]") != NULL);
  remove("recorded.json");
}

/* A state of the host's, closed by lua_close while this goes on. */
static void close_amid(const char *code) {
  gilua_Config config = {.shutdown_timeout_ns = 50000000};
  gilua_Runtime *rt;
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  CHECK(gilua_attach(L, &config, &rt) == 0);
  check_lua(L, luaL_dostring(L, code));
  lua_close(L);
}

static void test_lua_close(void) {
  close_amid("require'gilua.threading'.start(function() while true do end end)");
  close_amid("require'gilua.threading'.start(function() while true do pcall(function() while true do end end) end end)");
  close_amid("require'gilua.threading'.start(require'gilua.time'.sleep, 1000)");
  close_amid("pool = require'gilua.futures'.ThreadPoolExecutor(1) pool:submit(require'gilua.time'.sleep, 1000)");
  close_amid("pool = require'gilua.futures'.ProcessPoolExecutor(1)\n"
             "pool:submit(function() require'gilua.time'.sleep(1000) end)");
  close_amid("gilua = require'gilua' process = gilua.multiprocessing.Process{target = gilua.time.sleep, args = {1000}} process:start()");
}

int main(void) {
  TEST("errors of threads, and threads that end inside, are told", test_errors_are_told(););
  TEST("closing waits for keepers", test_keep(););
  TEST("a recording is complete when its runtime has ended", test_recording(););
  TEST("closing ends in time though a thread stays inside", test_shutdown_timeout(););
  TEST("closing ends in time though a thread keeps the lock", test_lock_that_is_kept(););
  TEST("closing ends in time though a pool has work", test_pool_that_goes_on(););
  TEST("lua_close of an attached state ends in time whatever threads, pools and processes do", test_lua_close(););
  return check_failures != 0;
}
