/* What seeing the lock costs, apart from the switches in which it is paid. usage: seeing CASE N
 *   event      a recorded turn: leaving the lock and taking it back, with less without a recording. Turns are further apart
 *              than those that are put together. Medians of N, inside a function of Lua, so that there is a line to find
 *   deadlock   looking whether the wait of a thread can end, that waits for an RLock whose holder waits for another one, and
 *              so on over N threads: a look over one of them
 */
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interp/gilua.h"
#include "runtime/sync/blocking.h"
#include "runtime/sync/deadlock.h"

enum { APART_NS = 1500, LOOKS = 200000 };

static void need(int err) {
  if (err == 0) return;
  fprintf(stderr, "%s\n", gilua_strerror(err));
  exit(1);
}

static int by_size(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

/* (n) -> median nanoseconds of a turn's begin and end */
static int turns(lua_State *L) {
  Tstate *ts = tstate_self();
  const Clock *clock = &ts->rt->gil.clock;
  lua_Integer n = luaL_checkinteger(L, 1);
  int64_t *ticks = lua_newuserdatauv(L, (size_t)n * sizeof *ticks, 0);
  uint64_t apart = (uint64_t)(APART_NS * ts->rt->gil.ticks_per_ns);
  for (lua_Integer i = 0; i < n; i++) {
    uint64_t start = clock_ticks(clock);
    blocking_begin_wait(ts, "read");
    blocking_end(ts);
    uint64_t end = clock_ticks(clock);
    ticks[i] = (int64_t)(end - start);
    while (clock_ticks(clock) - end < apart) continue;
  }
  qsort(ticks, (size_t)n, sizeof *ticks, by_size);
  lua_pushnumber(L, (double)ticks[n / 2] / ts->rt->gil.ticks_per_ns);
  return 1;
}

static const char event_script[] =
    "local turns, n = ...\n"
    "local gil, path = require('gilua').gil, os.tmpname()\n"
    "local off, on = math.huge, math.huge\n"
    "for _ = 1, 5 do\n"
    "  off = math.min(off, (turns(n)))\n"
    "  assert(gil.trace(path))\n"
    "  on = math.min(on, (turns(n)))\n"
    "  assert(gil.trace())\n"
    "end\n"
    "os.remove(path)\n"
    "print(string.format('{\"bench\":\"trace_event\",\"n\":%d,\"off_ns\":%.1f,\"on_ns\":%.1f,\"event_ns\":%.1f}', n, off, on, on - off))";

/* () -> nanoseconds of a look at the wait of the thread that waits for RLock's longest chain */
static int looks(lua_State *L) {
  Runtime *rt = tstate_self()->rt;
  Tstate *last = NULL;
  for (Tstate *ts = rt->threads; ts != NULL; ts = ts->next)
    if (ts->wait.untimed && (last == NULL || ts->ident > last->ident)) last = ts;
  int64_t start = clock_ns();
  for (int i = 0; i < LOOKS; i++)
    if (deadlock_check(last, false) != WAIT_ON) return luaL_error(L, "a deadlock where there is none");
  lua_pushnumber(L, (double)(clock_ns() - start) / LOOKS);
  return 1;
}

static const char deadlock_script[] =
    "local looks, n = ...\n"
    "local threading, time = require('gilua').threading, require('gilua').time\n"
    "local gate, locks, threads = threading.Event(), {}, {}\n"
    "for i = 1, n + 1 do locks[i] = threading.RLock() end\n"
    "locks[1]:acquire()\n" /* main is the end of the chain */
    "for i = 1, n do\n"
    "  threads[i] = threading.start(function() locks[i + 1]:acquire() locks[i]:with(function() end) locks[i + 1]:release() end)\n"
    "  while threads[i].waits_for ~= 'rlock' do time.sleep(0.0005) end\n"
    "end\n"
    "local ns = looks()\n"
    "locks[1]:release()\n"
    "for i = 1, n do threads[i]:join() end\n"
    "print(string.format('{\"bench\":\"deadlock\",\"n\":%d,\"check_ns\":%.1f}', n, ns))";

static void run(const char *script, lua_CFunction f, long n) {
  gilua_Runtime *rt;
  lua_State *L;
  need(gilua_open(&rt, NULL));
  need(gilua_enter(rt, &L));
  if (luaL_loadstring(L, script) != LUA_OK) exit(1);
  lua_pushcfunction(L, f);
  lua_pushinteger(L, n);
  if (gilua_call(rt, L, 2, 0) != GILUA_OK) {
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    exit(1);
  }
  need(gilua_leave(rt, L));
  need(gilua_close(rt));
}

int main(int argc, char **argv) {
  const char *name = argc > 1 ? argv[1] : "";
  long n = argc > 2 ? strtol(argv[2], NULL, 10) : 0;
  if (n < 1) n = strcmp(name, "event") == 0 ? 10000 : 1;
  if (strcmp(name, "event") == 0) run(event_script, turns, n);
  else if (strcmp(name, "deadlock") == 0) run(deadlock_script, looks, n);
  else return fputs("usage: seeing event|deadlock N\n", stderr), 2;
  return 0;
}
