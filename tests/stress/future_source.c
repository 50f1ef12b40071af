/* Futures whose outcomes arrive without the lock: a source backed by a plain thread that knows nothing of Lua, as the
 * dispatcher of a process pool does. Lua threads wait for them in every way at once, cancel, drop and add callbacks. */
#include <assert.h>
#include <lauxlib.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "interp/state.h"
#include "pool/futures/service.h"
#include "runtime/gil/gil.h"
#include "runtime/state/request.h"
#include "runtime/thread/shutdown.h"

enum { PLACES = 64 };

/* One task: decided by the engine after a moment. */
typedef struct Task {
  Future *future; /* [e] NULL once settled, cancelled or dropped */
  bool used, ready, watched;
  int value;
} Task;

/* The engine: a mutex [e], a table of tasks, a thread that decides them. */
static struct {
  pthread_mutex_t m;
  pthread_cond_t c;
  Task tasks[PLACES];
  bool stop;
  atomic_int dropped, notified;
} engine = {.m = PTHREAD_MUTEX_INITIALIZER, .c = PTHREAD_COND_INITIALIZER};

static void *engine_main(void *arg) {
  unsigned seed = *(unsigned *)arg;
  for (;;) {
    pthread_mutex_lock(&engine.m);
    if (engine.stop) break;
    Task *t = &engine.tasks[rand_r(&seed) % PLACES];
    if (t->used && !t->ready && t->future != NULL) {
      t->ready = true;
      if (t->watched) {
        future_notify(t->future);
        atomic_fetch_add(&engine.notified, 1);
      }
      pthread_cond_broadcast(&engine.c);
    }
    pthread_mutex_unlock(&engine.m);
    if (rand_r(&seed) % 8 == 0) usleep(rand_r(&seed) % 200);
  }
  pthread_mutex_unlock(&engine.m);
  return NULL;
}

static Task *task_of(Future *f) { return f->task; }

static bool source_ready(Future *f) {
  pthread_mutex_lock(&engine.m);
  bool ready = task_of(f)->ready;
  pthread_mutex_unlock(&engine.m);
  return ready;
}

/* Looks for requests every millisecond, which is enough for a test. */
static ParkResult source_wait(lua_State *L, Tstate *ts, Future *f, int64_t deadline) {
  (void)L;
  Task *t = task_of(f);
  gil_leave(&ts->gil);
  pthread_mutex_lock(&engine.m);
  for (bool over = false; t->future == f && !t->ready && !over;) {
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    at.tv_nsec += 1000000;
    if (at.tv_nsec >= 1000000000) at.tv_sec++, at.tv_nsec -= 1000000000;
    pthread_cond_timedwait(&engine.c, &engine.m, &at);
    over = clock_ns() >= deadline || request_pending(ts);
  }
  bool granted = t->future != f || t->ready;
  pthread_mutex_unlock(&engine.m);
  gil_take(&ts->gil);
  if (granted) return PARK_GRANTED;
  return request_pending(ts) ? PARK_REQUESTED : PARK_TIMEOUT;
}

static void let_go(Future *f) {
  pthread_mutex_lock(&engine.m);
  Task *t = task_of(f);
  if (t->future == f) *t = (Task){0};
  pthread_cond_broadcast(&engine.c);
  pthread_mutex_unlock(&engine.m);
}

static FutureState source_load(lua_State *L, Future *f) {
  int value = task_of(f)->value;
  luaL_dostring(L, "for _ = 1, 50 do end"); /* decoding may run Lua code, and lose the lock */
  lua_pushinteger(L, value);
  if (value % 10 != 0) return FUTURE_DONE;
  lua_pushnil(L);
  return FUTURE_FAILED;
}

static bool source_running(Future *f) {
  (void)f;
  return false;
}

static bool source_cancel(lua_State *L, Future *f, int i) {
  (void)L, (void)i;
  let_go(f);
  return true;
}

static void source_watch(lua_State *L, Future *f, int i) {
  (void)L, (void)i;
  pthread_mutex_lock(&engine.m);
  Task *t = task_of(f);
  t->watched = true;
  if (t->ready) future_notify(f);
  pthread_mutex_unlock(&engine.m);
}

static void source_drop(Future *f, bool unwanted) {
  (void)unwanted;
  atomic_fetch_add(&engine.dropped, 1);
  let_go(f);
}

static const FutureSource source = {
    .ready = source_ready,
    .wait = source_wait,
    .load = source_load,
    .running = source_running,
    .cancel = source_cancel,
    .watch = source_watch,
    .drop = source_drop,
};

/* submit(value) -> Future, or nil when every place is taken */
static int submit(lua_State *L) {
  int value = (int)luaL_checkinteger(L, 1);
  Task *t = NULL;
  pthread_mutex_lock(&engine.m);
  for (int k = 0; k < PLACES && t == NULL; k++)
    if (!engine.tasks[k].used) t = &engine.tasks[k];
  if (t != NULL) *t = (Task){.used = true, .value = value};
  pthread_mutex_unlock(&engine.m);
  if (t == NULL) return 0;
  Future *f = future_new(L, &source, t, 0);
  pthread_mutex_lock(&engine.m);
  t->future = f;
  pthread_mutex_unlock(&engine.m);
  return 1;
}

static const char script[] =
    "local futures, threading, gilua = require'gilua.futures', require'gilua.threading', require'gilua'\n"
    "local time, seconds, seed = require'gilua.time', ...\n"
    "math.randomseed(seed)\n"
    "require'gilua.gil'.switch_interval(2e-5)\n"
    "local stop = time.monotonic() + seconds\n"
    "local asked, called, counts = 0, 0, {}\n"
    "local function some(n)\n"
    "  local list = {}\n"
    "  for i = 1, n do list[#list + 1] = submit(math.random(1, 99)) end\n"
    "  return list\n"
    "end\n"
    "local function check(f)\n"
    "  local ok, v = pcall(f.result, f)\n"
    "  if ok then assert(v % 10 ~= 0) elseif not gilua.is_error(v, 'cancelled') then assert(v % 10 == 0, v) end\n"
    "end\n"
    "local ways = {\n"
    "  function() for _, f in ipairs(some(5)) do check(f) end end,\n"
    "  function() for _, f in ipairs(some(5)) do pcall(f.result, f, 0.0002) check(f) end end,\n"
    "  function() for f in futures.as_completed(some(5)) do assert(f:done()) check(f) end end,\n"
    "  function() local d, n = futures.wait(some(4)) assert(#n == 0) for _, f in ipairs(d) do check(f) end end,\n"
    "  function() futures.wait(some(4), {return_when = 'FIRST_COMPLETED', timeout = 0.001}) end,\n"
    "  function() for _, f in ipairs(some(3)) do asked = asked + 1\n"
    "      f:add_done_callback(function(f) assert(f:done()) called = called + 1 end) end end,\n"
    "  function() for _, f in ipairs(some(3)) do asked = asked + 1\n"
    "      f:add_done_callback(function() called = called + 1 end) f:cancel() check(f) end end,\n"
    "  function() for _, f in ipairs(some(2)) do\n"
    "      local a, b = threading.start(check, f), threading.start(check, f)\n"
    "      if math.random(2) == 1 then f:cancel() end a:result() b:result() end end,\n"
    "  function() some(3) collectgarbage('step') end,\n"
    "}\n"
    "local function body(k)\n"
    "  local n = 0\n"
    "  while time.monotonic() < stop do ways[math.random(#ways)]() n = n + 1 end\n"
    "  counts[k] = n\n"
    "end\n"
    "local threads = {}\n"
    "for k = 1, 4 do threads[k] = threading.start(body, k) end\n"
    "local total = 0\n"
    "for k = 1, 4 do threads[k]:result() total = total + counts[k] end\n"
    "local limit = time.monotonic() + 20\n"
    "local last = -1\n"
    "while last ~= called and time.monotonic() < limit do last = called time.sleep(0.1) end\n"
    "assert(total > 0)\n"
    "print(string.format('ok - %d rounds, %d of about %d callbacks', total, called, asked))\n";

int main(int argc, char **argv) {
  double seconds = argc > 1 ? atof(argv[1]) : 4;
  const char *given = argc > 2 ? argv[2] : getenv("TEST_RANDOM_SEED");
  unsigned seed = given != NULL ? (unsigned)atoi(given) : 1;
  printf("# %g seconds, seed %u\n", seconds, seed);
  State state;
  if (state_open(&state, &(gilua_Config){0}) != GILUA_OK) return EXIT_FAILURE;
  lua_State *L = state.L;
  lua_register(L, "submit", submit);
  pthread_t thread;
  pthread_create(&thread, NULL, engine_main, &seed);
  int status = luaL_loadstring(L, script);
  lua_pushnumber(L, seconds);
  lua_pushinteger(L, seed);
  if (status == LUA_OK) status = lua_pcall(L, 2, 0, 0);
  if (status != LUA_OK) printf("not ok - %s\n", luaL_tolstring(L, -1, NULL));
  lua_settop(L, 0);
  lua_gc(L, LUA_GCCOLLECT);
  pthread_mutex_lock(&engine.m);
  engine.stop = true;
  pthread_mutex_unlock(&engine.m);
  pthread_join(thread, NULL);
  shutdown_cancel(L, state.rt, SHUTDOWN_TIMEOUT_NS);
  state_close(&state);
  printf("# %d dropped, %d notified\n", engine.dropped, engine.notified);
  return status == LUA_OK && engine.notified > 0 && engine.dropped > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
