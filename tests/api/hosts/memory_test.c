/* A host whose allocator fails: whichever allocation it is, and some after it, every call of a script with threads, pools and
 * callbacks comes back, and gilua_close frees all there was. Waits have timeouts, since the thread that was to end one may have
 * had no memory. */
#include <limits.h>

#include "host.h"

enum { MOST = 3000 };

typedef struct Memory {
  long count, fail_at, fails, live;
} Memory;

static void *allocate(void *data, void *block, size_t old, size_t size) {
  Memory *m = data;
  if (size == 0) {
    m->live -= block != NULL;
    free(block);
    return NULL;
  }
  if (block == NULL || size > old) {
    m->count++;
    if (m->count >= m->fail_at && m->count - m->fail_at < m->fails) return NULL;
  }
  void *made = realloc(block, size);
  m->live += made != NULL && block == NULL;
  return made;
}

static const char script[] =
    "local th, q, fu = require 'gilua.threading', require 'gilua.queue', require 'gilua.futures'\n"
    "th.start(function(a) return a + 1 end, 1):join(1)\n"
    "local Q = q.Queue(3)\n"
    "local p = th.start(function() for i = 1, 10 do Q:put(i, true, 1) end Q:shutdown() end)\n"
    "while Q:get(true, 0.1) do end\n"
    "p:join(1)\n"
    "local ex = fu.ThreadPoolExecutor { max_workers = 2 }\n"
    "local f = ex:submit(function() return {1} end)\n"
    "f:add_done_callback(function() end)\n"
    "f:result()\n"
    "for _ in ex:map(function(x) return x end, {1, 2, 3, 4}) do end\n"
    "ex:shutdown()\n"
    "th.Timer(0.001, function() end):start()\n"
    "coroutine.wrap(function() coroutine.yield() end)()\n"
    "pcall(function() th.start(error, 'x'):result(1) end)\n";

/* Returns whether the first allocation that was to fail was reached. */
static bool survives(long fail_at, long fails) {
  Memory m = {.fail_at = fail_at, .fails = fails};
  gilua_Config config = {.allocator = allocate, .allocator_data = &m};
  gilua_Runtime *rt;
  int err = gilua_open(&rt, &config);
  CHECK(err == 0 || err == GILUA_ENOMEM);
  if (err == 0) {
    err = gilua_run_string(rt, script, "=test");
    CHECK(err == 0 || err == GILUA_ELUA || err == GILUA_ENOMEM);
    CHECK(gilua_close(rt) == 0);
  }
  CHECK(m.live == 0);
  return m.count >= fail_at;
}

static void test_fails(long fails) {
  int n = 1;
  while (n < MOST && survives(n, fails)) {
    alarm(300);
    n++;
  }
  CHECK(n > 100 && n < MOST);
}

/* The finalizers of a pool and of a group of futures cannot be called for want of memory. */
static const char dropping[] =
    "local starve = ...\n"
    "local fu = require 'gilua.futures'\n"
    "local a, b = fu.Future(), fu.Future()\n"
    "fu.ThreadPoolExecutor(1):submit(math.max, 1, 2):result()\n"
    "local ready = fu.as_completed { a, b }\n"
    "local finalized = false\n"
    "coroutine.wrap(function()\n"
    "  collectgarbage 'stop'\n" /* what is made ready here is still so below */
    "  pcall(type, 1)\n" /* as deep as what follows, and a finalizer is one deeper */
    "  ready = setmetatable({}, { __gc = function() finalized = true end })\n"
    "  ready = nil\n"
    "  starve(true) local ok = pcall(collectgarbage) starve(false)\n"
    "  collectgarbage 'restart'\n"
    "  assert(ok and not finalized)\n"
    "end)()\n"
    "collectgarbage() collectgarbage()\n"
    "a:set_result(1)\n"
    "assert(fu.ThreadPoolExecutor(1):submit(math.max, 1, 2):result() == 2)\n";

static int starve(lua_State *L) {
  Memory *m = lua_touserdata(L, lua_upvalueindex(1));
  m->fail_at = lua_toboolean(L, 1) ? m->count + 1 : LONG_MAX;
  return 0;
}

static int run_dropping(lua_State *L) {
  if (luaL_loadstring(L, dropping) != LUA_OK) return lua_error(L);
  lua_pushlightuserdata(L, lua_touserdata(L, 1));
  lua_pushcclosure(L, starve, 1);
  lua_call(L, 1, 0);
  return 0;
}

static void test_dropped(void) {
  Memory m = {.fail_at = LONG_MAX, .fails = LONG_MAX};
  gilua_Config config = {.allocator = allocate, .allocator_data = &m};
  gilua_Runtime *rt = opened(&config);
  lua_State *L;
  CHECK(rt != NULL && gilua_enter(rt, &L) == 0);
  lua_pushcfunction(L, run_dropping);
  lua_pushlightuserdata(L, &m);
  int status = lua_pcall(L, 1, 0, 0);
  if (status != LUA_OK) printf("# %s\n", lua_tostring(L, -1));
  CHECK(status == LUA_OK);
  CHECK(gilua_leave(rt, L) == 0);
  CHECK(gilua_close(rt) == 0);
  CHECK(m.live == 0);
}

int main(void) {
  TEST("a script with threads and pools ends whichever allocation fails", test_fails(1););
  TEST("so it does when three in a row fail", test_fails(3););
  TEST("so it does when ten in a row fail", test_fails(10););
  TEST("so it does when all fail from then on", test_fails(LONG_MAX););
  TEST("nothing leads to an object that there was no memory to finalize", test_dropped(););
  return check_failures != 0;
}
