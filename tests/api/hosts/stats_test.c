/* gilua.h: counters, and what the host is told. */
#include "host.h"

static void test_stats(void) {
  static const char two_pools[] = /* one of them is collected, and counts */
      "local futures = require('gilua').futures\n"
      "local function work(pool, n) for i = 1, n do pool:submit(math.abs, i):result() end end\n"
      "do local gone <close> = futures.ThreadPoolExecutor { max_workers = 1 } work(gone, 2) end\n"
      "collectgarbage() collectgarbage()\n"
      "kept = futures.ProcessPoolExecutor { max_workers = 1 } work(kept, 3)\n";
  gilua_Runtime *rt = opened(NULL);
  gilua_Stats s;
  CHECK(runs(rt, two_spinners) && gilua_stats(rt, &s) == 0);
  CHECK(s.switches > 0 && s.threads == 1 && s.held_ns > 0 && s.memory_bytes > 10000 && s.longest_hold_ns > 0);
  CHECK(s.pool_submitted == 0 && s.pool_busy_ns == 0 && runs(rt, two_pools) && gilua_stats(rt, &s) == 0);
  CHECK(s.pool_submitted == 5 && s.pool_finished == 5 && s.pool_queued == 0 && s.pool_busy_ns > 0);
  CHECK(gilua_close(rt) == 0 && gilua_stats(rt, &s) == GILUA_ECLOSING);
}

typedef struct Warnings {
  int n;
  char text[4000];
} Warnings;

static void note_warning(void *ud, const char *text, int continues) {
  Warnings *w = ud;
  strncat(w->text, text, sizeof w->text - strlen(w->text) - 1);
  if (!continues) w->n++;
}

static void test_lock_warning(void) {
  static const char cycle[] =
      "local threading, time = require('gilua').threading, require('gilua').time\n"
      "for _ = 1, 2 do\n" /* warned of once a Lock: these are new each time */
      "  local a, b, gate = threading.Lock(), threading.Lock(), threading.Barrier(2)\n"
      "  local function take(x, y) x:acquire() gate:wait() y:acquire() end\n"
      "  local one = threading.Thread{ name = 'one', target = take, args = {a, b} }:start()\n"
      "  local two = threading.Thread{ name = 'two', target = take, args = {b, a} }:start()\n"
      "  while one.waits_for ~= 'lock' or two.waits_for ~= 'lock' do time.sleep(0.001) end\n"
      "  a:release() two:join() b:release() one:join()\n"
      "end";
  gilua_Runtime *rt = opened(NULL);
  Warnings w = {0};
  lua_State *L;
  CHECK(gilua_enter(rt, &L) == 0);
  lua_setwarnf(L, note_warning, &w);
  CHECK(gilua_leave(rt, L) == 0 && runs(rt, cycle));
  CHECK(w.n == 2);
  CHECK(strstr(w.text, "one waits for lock") != NULL && strstr(w.text, "two waits for lock") != NULL);
  CHECK(strstr(w.text, "test:4: in ") != NULL); /* the tracebacks */
  CHECK(gilua_close(rt) == 0);
}

int main(void) {
  TEST("counters", test_stats(););
  TEST("a cycle over plain Locks is told to the warn function of the host", test_lock_warning(););
  return check_failures != 0;
}
