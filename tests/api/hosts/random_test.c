/* Threads of a host do anything at random with runtimes that open and close meanwhile: every call returns, with a code that its
 * header names, what is counted is given back, and each runtime can be closed. The seed is told, and may be given in TEST_RANDOM_SEED. */
#include "host.h"

enum { THREADS = 4, CALLS = 60, ROUNDS = 12 };

typedef struct Actor {
  gilua_Runtime *rt;
  unsigned seed;
  int depth, kept;
  lua_State *inside[8]; /* what each enter gave */
  const char *wrong;
} Actor;

static unsigned some(Actor *a, unsigned n) { return (unsigned)rand_r(&a->seed) % n; }

static void expect(Actor *a, bool good, const char *what) {
  if (!good && a->wrong == NULL) a->wrong = what;
}

static void enters(Actor *a) {
  lua_State *L = NULL;
  if (a->depth == 8) return;
  int err = gilua_enter(a->rt, &L);
  expect(a, err == 0 ? L != NULL : L == NULL && (err == GILUA_ECLOSING || err == GILUA_ENOMEM), "gilua_enter");
  expect(a, err == 0 || a->depth == 0, "a nested gilua_enter");
  if (err == 0) a->inside[a->depth++] = L;
}

static void leaves(Actor *a) {
  lua_State *L = a->depth > 0 ? a->inside[a->depth - 1] : (lua_State *)&a->seed;
  int err = gilua_leave(a->rt, L);
  expect(a, err == (a->depth > 0 ? 0 : GILUA_EOUTSIDE), "gilua_leave");
  if (err == 0) a->depth--;
}

static void runs_something(Actor *a) {
  static const char *const codes[] = {
      "local t = {} for i = 1, 200 do t[i] = {i} end",
      "require 'gilua.time'.sleep(0.0005)",
      "error 'x'",
      "local th = require 'gilua.threading' local t = th.start(function() return 1 end) t:result()",
      "local q = require 'gilua.queue'.Queue() q:put(1) q:get()",
      "lock = lock or require 'gilua.threading'.Lock() local l <close> = lock:hold() require 'gilua.time'.sleep(0)",
      "coroutine.wrap(function() for i = 1, 100 do end coroutine.yield() end)()",
      "setmetatable({}, {__gc = function() end}) collectgarbage 'step'",
      "local f = require 'gilua.futures'.ThreadPoolExecutor{max_workers = 1} f:submit(function() return 1 end):result() f:shutdown()",
  };
  int err = gilua_run_string(a->rt, codes[some(a, sizeof codes / sizeof codes[0])], "=code");
  expect(a, err == 0 || err == GILUA_ELUA || err == GILUA_ECLOSING || err == GILUA_ENOMEM, "gilua_run_string");
  expect(a, err != GILUA_ELUA || gilua_error(a->rt)[0] != 0, "gilua_error");
}

static void calls(Actor *a) {
  if (a->depth == 0) {
    expect(a, gilua_call(a->rt, (lua_State *)&a->seed, 0, 0) == GILUA_EOUTSIDE, "gilua_call from outside");
    return;
  }
  lua_State *L = a->inside[a->depth - 1];
  if (luaL_loadstring(L, "local n = ... return n + 1") != LUA_OK) {
    lua_pop(L, 1);
    return;
  }
  lua_pushinteger(L, 1);
  int err = gilua_call(a->rt, L, 1, 1);
  expect(a, err == GILUA_ELUA || (err == 0 && lua_tointeger(L, -1) == 2), "gilua_call");
  lua_pop(L, 1);
}

static void keeps(Actor *a) {
  int err = gilua_keep(a->rt);
  expect(a, err == 0 || err == GILUA_ECLOSING, "gilua_keep");
  if (err == 0) a->kept++;
}

static void drops(Actor *a) {
  if (a->kept == 0) return;
  a->kept--;
  gilua_drop(a->rt);
}

static void asks(Actor *a) {
  gilua_Stats stats;
  int err = gilua_stats(a->rt, &stats);
  expect(a, err == 0 ? stats.threads > 0 && stats.memory_bytes > 0 : err == GILUA_ECLOSING || err == GILUA_ENOMEM, "gilua_stats");
}

static void interrupts(Actor *a) {
  lua_State *L = a->depth > 0 ? a->inside[0] : (lua_State *)&a->seed;
  int err = gilua_interrupt_thread(a->rt, L);
  expect(a, err == (a->depth > 0 ? 0 : GILUA_EOUTSIDE), "gilua_interrupt_thread");
}

static void closes(Actor *a) {
  int err = gilua_close(a->rt);
  expect(a, err == GILUA_ETHREAD || err == GILUA_ECLOSING, "gilua_close by another thread");
}

static void *act(void *arg) {
  static void (*const actions[])(Actor *) = {enters, enters, leaves, leaves, runs_something, runs_something, calls, keeps, drops,
                                             asks,   interrupts, closes};
  Actor *a = arg;
  for (int i = 0; i < CALLS; i++) {
    actions[some(a, sizeof actions / sizeof actions[0])](a);
    if (a->depth == 0 && some(a, 4) == 0) usleep(some(a, 300));
  }
  while (a->kept > 0) drops(a);
  while (a->depth > 0) leaves(a);
  return NULL;
}

static void one_round(unsigned seed) {
  static const int modes[] = {GILUA_PREEMPT_SIGNAL, GILUA_PREEMPT_COUNT};
  gilua_Config config = {.preempt = modes[seed % 2], .policy = (int)(seed / 2 % 3), .shutdown_timeout_ns = seed % 5 == 0 ? 20000000000 : 0};
  gilua_Runtime *rt = opened(&config);
  Actor actors[THREADS];
  pthread_t threads[THREADS];
  CHECK(rt != NULL);
  for (int i = 0; i < THREADS; i++) {
    actors[i] = (Actor){.rt = rt, .seed = seed * THREADS + (unsigned)i};
    CHECK(pthread_create(&threads[i], NULL, act, &actors[i]) == 0);
  }
  Actor main = {.rt = rt, .seed = seed + 77777};
  for (unsigned n = some(&main, 40); n > 0; n--) {
    if (some(&main, 8) == 0) gilua_interrupt(rt);
    else runs_something(&main);
  }
  if (seed % 3 == 0) /* else they are still at it */
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  int err = gilua_close(rt);
  if (seed % 3 != 0)
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  if (err != 0) printf("# gilua_close: %s\n", gilua_strerror(err));
  CHECK(err == 0 && main.wrong == NULL);
  for (int i = 0; i < THREADS; i++) {
    if (actors[i].wrong != NULL) printf("# %s\n", actors[i].wrong);
    CHECK(actors[i].wrong == NULL);
  }
}

static void test_at_random(void) {
  const char *given = getenv("TEST_RANDOM_SEED");
  unsigned seed = given != NULL ? (unsigned)atoi(given) : 1;
  printf("# TEST_RANDOM_SEED=%u\n", seed);
  for (unsigned i = 0; i < ROUNDS; i++) {
    alarm(300);
    one_round(seed + i);
  }
}

int main(void) {
  TEST("threads of a host do anything at random", test_at_random(););
  return check_failures != 0;
}
