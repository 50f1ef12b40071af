/* gilua.schedule: a search for an order of threads in which a function fails; `gilua explore` is the same for a script.
 *
 *   schedule.explore{run = f, check = g, runs = 1000, seconds = s, strategy = "random" | "pct" | "pos" | "all", depth = 3,
 *                    jobs = n, seed = 1, races = false, count = false}
 *                                              calls run and then check many times, each time in a child process and under
 *                                              another schedule. Fails: an error, also of a thread; check that returns false; a
 *                                              deadlock; with races, a race. The calling program has one thread.
 *                                              With count, goes on after a failure.
 *       -> {failed = boolean, runs, failures, distinct, complete (all: every order was run), and if one failed: outcome = "error" | "deadlock" | "livelock" | "signal" | "hang" | "race",
 *           error = what it printed, run = its number, schedule = {{thread, instruction, next}, …} the switches that are left,
 *           report = its lines, a column for each thread,
 *           races = {{what, first, second}, …} accesses that nothing orders; first and second are {thread, source, line, sets}}
 */
#include <errno.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interp/explain.h"
#include "interp/explore.h"
#include "interp/run.h"
#include "interp/state.h"
#include "runtime/state/object.h"
#include "runtime/state/options.h"
#include "runtime/state/request.h"
#include "runtime/sync/park.h"

static const char *const strategies[] = {"random", "pct", "pos", "all", NULL};

/* In a child: data is the reference of the options. */
static int run(lua_State *L, void *data) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, *(const int *)data);
  lua_getfield(L, 1, "run");
  if (!run_report(L, run_call(L, 0, 0))) return EXIT_FAILURE;
  if (lua_getfield(L, 1, "check") == LUA_TNIL) return EXIT_SUCCESS;
  if (!run_report(L, run_call(L, 0, 1))) return EXIT_FAILURE;
  bool good = lua_type(L, -1) != LUA_TBOOLEAN || lua_toboolean(L, -1);
  if (!good) fputs("check() returned false\n", stderr);
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

static ExploreOptions options_of(lua_State *L, int i) {
  static const Option known[] = {{"run", OPTION_CALL, 0, 0, NULL},
                                 {"check", OPTION_CALL, 0, 0, NULL},
                                 {"runs", OPTION_INTEGER, 0, LUA_MAXINTEGER - 1, NULL},
                                 {"seconds", OPTION_NUMBER, 0, 1000000000, NULL},
                                 {"strategy", OPTION_WORD, 0, 0, strategies},
                                 {"depth", OPTION_INTEGER, 1, PCT_DEPTH_MAX, NULL},
                                 {"jobs", OPTION_INTEGER, 1, EXPLORE_JOBS_MAX, NULL},
                                 {"seed", OPTION_INTEGER, 0, LUA_MAXINTEGER, NULL},
                                 {"races", OPTION_FLAG, 0, 0, NULL},
                                 {"count", OPTION_FLAG, 0, 0, NULL},
                                 {NULL, OPTION_FLAG, 0, 0, NULL}};
  luaL_checktype(L, i, LUA_TTABLE);
  options_take(L, i, "explore", known, NULL);
  ExploreOptions o = explore_defaults();
  o.strategy = (ExploreStrategy)options_word(L, i, "strategy", EXPLORE_RANDOM);
  o.depth = (unsigned)options_integer(L, i, "depth", o.depth);
  o.jobs = (unsigned)options_integer(L, i, "jobs", o.jobs);
  o.seed = (uint64_t)options_integer(L, i, "seed", 1);
  o.races = options_flag(L, i, "races", false);
  o.count = options_flag(L, i, "count", false);
  double seconds = options_number(L, i, "seconds", 0);
  if (seconds > 0) o.time_ns = (int64_t)(seconds * 1e9);
  o.runs = (uint64_t)options_integer(L, i, "runs", seconds > 0 || o.strategy == EXPLORE_ALL ? LUA_MAXINTEGER - 1 : (lua_Integer)o.runs);
  return o;
}

static void set_integer(lua_State *L, const char *field, uint64_t value) {
  lua_pushinteger(L, (lua_Integer)value);
  lua_setfield(L, -2, field);
}

static void push_turns(lua_State *L, const Trial *t) {
  lua_Integer n = 0;
  lua_newtable(L);
  for (uint64_t i = 0; i < t->schedule.nturns && i < TRIAL_TURNS; i++) {
    const Turn *turn = &t->turns[i];
    if (turn->plain) continue;
    lua_createtable(L, 0, 3);
    set_integer(L, "thread", turn->from);
    set_integer(L, "instruction", turn->steps);
    set_integer(L, "next", turn->to);
    lua_rawseti(L, -2, ++n);
  }
}

static void set_side(lua_State *L, const char *field, const Trial *t, const RaceSide *side) {
  char room[32];
  lua_createtable(L, 0, 4);
  lua_pushstring(L, explain_name(t, side->thread, room, sizeof room));
  lua_setfield(L, -2, "thread");
  lua_pushstring(L, side->source);
  lua_setfield(L, -2, "source");
  set_integer(L, "line", (uint64_t)side->line);
  lua_pushboolean(L, side->writes);
  lua_setfield(L, -2, "sets");
  lua_setfield(L, -2, field);
}

static void push_races(lua_State *L, const Trial *t) {
  lua_createtable(L, (int)t->nraces, 0);
  for (unsigned i = 0; i < t->nraces; i++) {
    lua_createtable(L, 0, 3);
    lua_pushstring(L, t->race[i].what);
    lua_setfield(L, -2, "what");
    set_side(L, "first", t, &t->race[i].first);
    set_side(L, "second", t, &t->race[i].second);
    lua_rawseti(L, -2, i + 1);
  }
}

static void push_report(lua_State *L, const Trial *t) {
  char *text = NULL;
  size_t n = 0;
  FILE *out = open_memstream(&text, &n);
  if (out == NULL) luaL_error(L, "not enough memory");
  explain(out, t);
  explain_races(out, t);
  bool whole = fclose(out) == 0;
  lua_pushlstring(L, whole ? text : "", whole ? n : 0);
  free(text);
}

static void push_result(lua_State *L, const Explored *x) {
  lua_createtable(L, 0, 8);
  lua_pushboolean(L, x->outcome != OUTCOME_GOOD);
  lua_setfield(L, -2, "failed");
  set_integer(L, "runs", x->runs);
  set_integer(L, "failures", x->failures);
  set_integer(L, "distinct", x->distinct);
  lua_pushboolean(L, x->complete);
  lua_setfield(L, -2, "complete");
  if (x->outcome == OUTCOME_GOOD) return;
  lua_pushstring(L, explore_outcome(x->outcome));
  lua_setfield(L, -2, "outcome");
  lua_pushstring(L, x->text);
  lua_setfield(L, -2, "error");
  set_integer(L, "run", x->run);
  push_turns(L, x->job.trial);
  lua_setfield(L, -2, "schedule");
  push_races(L, x->job.trial);
  lua_setfield(L, -2, "races");
  push_report(L, x->job.trial);
  lua_setfield(L, -2, "report");
}

/* Whatever happens to the result, the trial's memory is given back. */
static int explored_gc(lua_State *L) {
  Explored *x = lua_touserdata(L, 1);
  explore_end(x);
  x->job = (Job){.out = -1, .pidfd = -1};
  return 0;
}

static Explored *new_explored(lua_State *L) {
  Explored *x = lua_newuserdatauv(L, sizeof *x, 0);
  memset(x, 0, sizeof *x);
  x->job = (Job){.out = -1, .pidfd = -1};
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, explored_gc);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  return x;
}

static int schedule_explore(lua_State *L) {
  Tstate *ts = park_self(L);
  lua_settop(L, 1);
  ExploreOptions o = options_of(L, 1);
  if (lua_getfield(L, 1, "run") == LUA_TNIL) return luaL_error(L, "missing field 'run' to 'explore'");
  lua_pop(L, 1);
  if (ts->rt->nthreads > 1) return luaL_error(L, "cannot explore while other threads run: a child would not have them");
  Explored *x = new_explored(L);
  lua_pushvalue(L, 1);
  int ref = luaL_ref(L, LUA_REGISTRYINDEX);
  const TrialProgram program = {.run = run, .data = &ref};
  int err = explore(L, &o, &program, x);
  luaL_unref(L, LUA_REGISTRYINDEX, ref);
  request_raise(L, ts);
  if (err != 0) return luaL_error(L, "cannot run trials: %s", strerror(err));
  push_result(L, x);
  lua_pushcfunction(L, explored_gc);
  lua_pushvalue(L, 2);
  lua_call(L, 1, 0);
  return 1;
}

int lib_schedule_open(lua_State *L) {
  static const luaL_Reg funcs[] = {{"explore", schedule_explore}, {NULL, NULL}};
  luaL_newlib(L, funcs);
  return 1;
}
