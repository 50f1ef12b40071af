/* gilua.gil: the lock as a script sees it.
 *
 *   gil.switch_interval([seconds]) -> seconds     reads it, or sets it and returns the old one (1e-6 … 1)
 *   gil.policy([name]) -> name                    the same: "fair", "interval", "ticks"
 *   gil.stats() -> {switches, forced_switches, signals, threads = {{name, ident, acquisitions, held_ns, waited_ns,
 *                   forced_switches, longest_hold_ns, longest_hold_at}, …}, ended = {the same of the 100 threads that
 *                   ended last; before them, if there were more, an entry with ident 0 that sums up the others},
 *                   pools = {{name, kind = "threads" | "processes", max_workers, submitted, finished, queued,
 *                   most_queued, busy_ns, workers = {{name or pid, tasks, busy_ns}, …}, ended = true of one that was
 *                   collected}, …}}
 *   gil.trace gil.dump gil.on_long_hold           below
 */
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "runtime/sync/lib_sync.h"
#include "runtime/state/ended.h"
#include "runtime/state/text.h"
#include "runtime/thread/thread.h"
#include "runtime/trace/lib_trace.h"

#define LEAST_INTERVAL 1e-6
#define LONGEST_INTERVAL 1.0

static int gil_switch_interval(lua_State *L) {
  Gil *g = &park_self(L)->rt->gil;
  lua_Number old = (lua_Number)g->interval_ns / 1e9;
  if (!lua_isnoneornil(L, 1)) {
    lua_Number seconds = luaL_checknumber(L, 1);
    luaL_argcheck(L, seconds >= LEAST_INTERVAL && seconds <= LONGEST_INTERVAL, 1, "must be from 1e-6 to 1 second");
    gil_set_interval(g, (int64_t)(seconds * 1e9 + 0.5));
  }
  lua_pushnumber(L, old);
  return 1;
}

static int gil_policy(lua_State *L) {
  Runtime *rt = park_self(L)->rt;
  const char *old = rt->gil.policy->name;
  if (!lua_isnoneornil(L, 1)) {
    const Policy *policy = policy_find(text_check(L, 1));
    luaL_argcheck(L, policy != NULL, 1, "policies are \"fair\", \"interval\" and \"ticks\"");
    runtime_set_policy(rt, policy);
  }
  lua_pushstring(L, old);
  return 1;
}

static void set_integer(lua_State *L, const char *field, uint64_t value) {
  lua_pushinteger(L, (lua_Integer)value);
  lua_setfield(L, -2, field);
}

static uint64_t to_ns(const Gil *g, uint64_t ticks) {
  return (uint64_t)((double)ticks / clock_ticks_per_ns(&g->clock));
}

/* The entry of a thread that lives or has ended is on top of the stack, with its name. */
static void set_counters(lua_State *L, const Gil *g, const EndedThread *e) {
  set_integer(L, "acquisitions", e->acquisitions);
  set_integer(L, "held_ns", to_ns(g, e->held));
  set_integer(L, "waited_ns", to_ns(g, e->waited));
  set_integer(L, "forced_switches", e->forced);
  set_integer(L, "longest_hold_ns", to_ns(g, e->longest));
  if (e->longest_at[0] == '\0') return;
  lua_pushstring(L, e->longest_at);
  lua_setfield(L, -2, "longest_hold_at");
}

static void push_thread_stats(lua_State *L, Tstate *ts, uint64_t now) {
  const GilThread *t = &ts->gil;
  EndedThread e = {.acquisitions = t->acquisitions, .held = gil_held_ticks(t, now), .waited = t->waited,
                   .forced = t->forced, .longest = t->longest};
  memcpy(e.longest_at, ts->longest_at, sizeof e.longest_at);
  lua_createtable(L, 0, 8);
  thread_push_current(L, ts);
  thread_push_name(L, -1);
  lua_setfield(L, -3, "name");
  lua_pop(L, 1);
  set_integer(L, "ident", (uint64_t)ts->ident);
  set_counters(L, t->gil, &e);
}

static void push_ended_stats(lua_State *L, const Gil *g, const EndedThread *e) {
  lua_createtable(L, 0, 8);
  lua_pushstring(L, e->name);
  lua_setfield(L, -2, "name");
  set_integer(L, "ident", (uint64_t)e->ident);
  set_counters(L, g, e);
}

/* The list of those that have ended, oldest first; a first entry with ident 0 sums up those before. */
static void push_ended(lua_State *L, const Runtime *rt) {
  const EndedThreads *ended = rt->ended;
  lua_newtable(L);
  if (ended == NULL) return;
  lua_Integer n = 0;
  uint64_t first = ended->n > ENDED_KEPT ? ended->n - ENDED_KEPT : 0;
  if (first > 0) {
    EndedThread others = ended->others;
    snprintf(others.name, sizeof others.name, "%llu others", (unsigned long long)first);
    push_ended_stats(L, &rt->gil, &others);
    lua_rawseti(L, -2, ++n);
  }
  for (uint64_t i = first; i < ended->n; i++) {
    push_ended_stats(L, &rt->gil, &ended->newest[i % ENDED_KEPT]);
    lua_rawseti(L, -2, ++n);
  }
}

static void push_pools(lua_State *L) {
  if (lua_getfield(L, LUA_REGISTRYINDEX, LIB_GIL_POOLS) != LUA_TNIL) {
    lua_call(L, 0, 1);
    return;
  }
  lua_pop(L, 1);
  lua_newtable(L);
}

static int gil_stats(lua_State *L) {
  Runtime *rt = park_self(L)->rt;
  Gil *g = &rt->gil;
  uint64_t now = clock_ticks(&g->clock);
  lua_createtable(L, 0, 4);
  set_integer(L, "switches", g->switches);
  set_integer(L, "forced_switches", g->forced);
  set_integer(L, "signals", gil_asks(g));
  lua_createtable(L, (int)rt->nthreads, 0);
  lua_Integer n = 0;
  for (Tstate *ts = rt->threads; ts != NULL; ts = ts->next) {
    push_thread_stats(L, ts, now);
    lua_rawseti(L, -2, ++n);
  }
  lua_setfield(L, -2, "threads");
  push_ended(L, rt);
  lua_setfield(L, -2, "ended");
  push_pools(L);
  lua_setfield(L, -2, "pools");
  return 1;
}

int lib_gil_open(lua_State *L) {
  static const luaL_Reg funcs[] = {
      {"policy", gil_policy}, {"stats", gil_stats}, {"switch_interval", gil_switch_interval}, {NULL, NULL}};
  luaL_newlib(L, funcs);
  lib_trace_add(L);
  return 1;
}
