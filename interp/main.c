/* The gilua program: `lua` 5.4 with threads. */
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "interp/bind.h"
#include "interp/embed.h"
#include "interp/explore_command.h"
#include "pool/process/spawn.h"
#include "interp/options.h"
#include "interp/prompt.h"
#include "interp/replay.h"
#include "interp/run.h"
#include "interp/seeded.h"
#include "interp/stats.h"
#include "interp/worker.h"
#include "runtime/schedule/strategies.h"
#include "runtime/sync/deadlock.h"
#include "runtime/thread/excepthook.h"
#include "runtime/state/own_code.h"
#include "runtime/thread/shutdown.h"
#include "runtime/trace/dump.h"
#include "runtime/trace/lib_trace.h"
#include "runtime/trace/recorder.h"

/* The longest gaps between switches of --seed: long enough that switching costs little. */
enum { SEED_SPAN = 16 };

typedef struct Program {
  int argc;
  char **argv;
  Options options;
  gilua_Runtime *rt;
  Schedule schedule; /* --seed */
  RandomStrategy random;
  ExploreCommand explore;
  Replay replay;
  bool ok; /* everything that was to be run ran without an error */
} Program;

/* arg[0] is the script, what follows it has positive indices, what precedes it negative ones. */
static void set_arg(lua_State *L, const Program *p) {
  int script = p->options.script == p->argc ? 0 : p->options.script;
  lua_createtable(L, p->argc - script - 1, script + 1);
  for (int i = 0; i < p->argc; i++) {
    lua_pushstring(L, p->argv[i]);
    lua_rawseti(L, -2, i - script);
  }
  lua_setglobal(L, "arg");
}

static bool run_init(lua_State *L) {
  const char *name = "=LUA_INIT" LUA_VERSUFFIX, *init = getenv(name + 1);
  if (init == NULL) init = getenv((name = "=LUA_INIT") + 1);
  if (init == NULL) return true;
  return init[0] == '@' ? run_file(L, init + 1) : run_string(L, init, name);
}

/* -e, -l and -W, in order. */
static bool run_options(lua_State *L, const Program *p) {
  for (int i = 1; i < p->options.script && i < p->argc; i++) {
    const char *arg = p->argv[i];
    if (arg[0] != '-' || arg[1] == '-') {
      if (arg[0] == '-' && options_takes_value(arg)) i++;
      continue;
    }
    if (arg[1] == 'W') lua_warning(L, "@on", 0);
    if (arg[1] != 'e' && arg[1] != 'l') continue;
    const char *value = arg[2] != '\0' ? arg + 2 : p->argv[++i];
    if (!(arg[1] == 'e' ? run_string(L, value, "=(command line)") : run_library(L, value))) return false;
  }
  return true;
}

static gilua_Config config_of(const Options *o) {
  gilua_Config config = {
      .handle_sigint = 1, .handle_signals = 1, .ignore_environment = o->ignore_environment,
      .on_error = excepthook_to_stderr};
  if (o->policy != NULL && strcmp(o->policy, "interval") == 0) config.policy = GILUA_POLICY_INTERVAL;
  if (o->policy != NULL && strcmp(o->policy, "ticks") == 0) config.policy = GILUA_POLICY_TICKS;
  if (o->switch_interval > 0) config.switch_interval_ns = (int64_t)(o->switch_interval * 1e9 + 0.5);
  return config;
}

static bool run_everything(lua_State *L, Program *p) {
  const Options *o = &p->options;
  if (o->bind) return bind_run(L, p->argv + 2);
  if (o->worker) return worker_program(L, p->argv + 2);
  if (!o->ignore_environment && !run_init(L)) return false;
  if (o->explore) return explore_command(L, &p->explore, p->argv);
  if (o->replay) replay_begin(L, &p->replay);
  if (!run_options(L, p)) return false;
  if (o->script < p->argc && !run_script(L, p->argv + o->script)) return false;
  if (o->interactive) {
    prompt_run(L);
  } else if (o->script == p->argc && !o->execute && !o->version) {
    if (isatty(STDIN_FILENO)) {
      prompt_banner();
      prompt_run(L);
    } else run_file(L, NULL); /* an error in it does not show in the exit status of `lua` */
  }
  return true;
}

/* Without it the program runs all the same. */
static void start_recording(lua_State *L, const Program *p) {
  int err = lib_trace_start(L, p->options.trace);
  if (err != 0) fprintf(stderr, "%s: cannot record to '%s': %s\n", p->argv[0], p->options.trace, strerror(err));
}

static int run_protected(lua_State *L) {
  Program *p = lua_touserdata(L, 1);
  const Options *o = &p->options;
  if (o->version) prompt_banner();
  set_arg(L, p);
#ifndef GILUA_HOSTILE
  lua_gc(L, LUA_GCGEN, 0, 0);
#endif
  lua_settop(L, 0);
  if (o->trace != NULL) start_recording(L, p);
  if (o->seed_text != NULL) {
    random_begin(&p->schedule, &p->random, o->seed, SEED_SPAN, false);
    seeded_begin(L, &p->schedule, o->seed);
  }
  p->ok = run_everything(L, p);
  return 0;
}

static void end_recording(const Program *p) {
  int err = recorder_stop(embed_runtime(p->rt), NULL);
  if (err != 0) fprintf(stderr, "%s: the recording is incomplete: %s\n", p->argv[0], strerror(err));
}

static int print_stats(lua_State *L) {
  stats_print(L, stderr, lua_toboolean(L, 1));
  return 0;
}

/* Without memory there is no table. */
static void report(lua_State *L, Runtime *rt, bool json) {
  rt->report = NULL;
  if (!lua_checkstack(L, 3)) return;
  lua_pushcfunction(L, print_stats);
  lua_pushboolean(L, json);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) lua_pop(L, 1);
}

static void report_table(lua_State *L, Runtime *rt) { report(L, rt, false); }

static void report_json(lua_State *L, Runtime *rt) { report(L, rt, true); }

static int join_protected(lua_State *L) {
  Program *p = lua_touserdata(L, 1);
  Runtime *rt = embed_runtime(p->rt);
  bool whole = shutdown_join(L, rt, CLOCK_NEVER);
  end_recording(p);
  if (rt->report != NULL) rt->report(L, rt);
  if (!whole) return luaL_error(L, "interrupted by Ctrl-C while waiting for what the script had started");
  return 0;
}

static bool call_protected(lua_State *L, lua_CFunction f, Program *p) {
  lua_pushcfunction(L, f);
  lua_pushlightuserdata(L, p);
  return run_report(L, lua_pcall(L, 1, 0, 0));
}

/* The arguments of a command, which end where its script begins: from there on they become the program's. False: it has said
 * what is wrong. */
static bool parse_command(Program *p, const char *progname) {
  ExploreCommand *e = &p->explore;
  Replay *r = &p->replay;
  if (p->options.explore) explore_parse(e, p->argc, p->argv, 2);
  if (p->options.replay) replay_parse(r, p->argc, p->argv, 2);
  const char *bad = p->options.explore ? e->bad : r->bad, *needs = p->options.explore ? e->needs : r->needs;
  if (bad != NULL) {
    if (needs != NULL) fprintf(stderr, "%s: '%s' needs %s\n", progname, bad, needs);
    else fprintf(stderr, "%s: unrecognized option '%s'\n", progname, bad);
    return false;
  }
  if (p->options.replay && !replay_open(r, progname)) return false;
  if (p->options.explore) {
    p->argv += e->script - 1;
    p->argc -= e->script - 1;
    p->argv[0] = (char *)progname;
    e->script = 1;
  } else {
    p->argv = r->argv;
    p->argc = r->file.nargs + 2;
    p->options.trace = r->trace;
  }
  p->options.script = 1;
  return true;
}

int main(int argc, char **argv) {
  static const char default_name[] = "gilua";
  Program p = {.argc = argc, .argv = argv};
  const char *progname = argv[0] != NULL && argv[0][0] != '\0' ? argv[0] : default_name;
  bool zygote = argc > 1 && strcmp(argv[1], SPAWN_ARGUMENT) == 0; /* executed by a pool */
  options_parse(&p.options, zygote ? 1 : argc, argv);
  if (p.options.bad != NULL) {
    options_usage(&p.options, progname);
    return EXIT_FAILURE;
  }
  if (p.options.help) {
    options_help(progname);
    return EXIT_SUCCESS;
  }
  if ((p.options.explore || p.options.replay) && !parse_command(&p, progname)) {
    replay_close(&p.replay);
    return EXIT_FAILURE;
  }
  gilua_Config config = config_of(&p.options);
  if (zygote) config.handle_sigint = 0;
  lua_State *L;
  if (gilua_open(&p.rt, &config) != GILUA_OK || gilua_enter(p.rt, &L) != GILUA_OK) {
    fprintf(stderr, "%s: cannot create state: not enough memory\n", progname);
    return EXIT_FAILURE;
  }
  spawn_use(embed_runtime(p.rt), "/proc/self/exe");
  run_set_progname(L, progname);
  own_code_only();
  deadlock_closed_world(embed_runtime(p.rt));
  if (zygote) spawn_main(L, argc, argv);
  if (p.options.stats != STATS_NONE) embed_runtime(p.rt)->report = p.options.stats == STATS_JSON ? report_json : report_table;
  if (!p.options.explore) dump_on_sigquit(embed_runtime(p.rt)); /* without it SIGQUIT does what it does by default */
  bool ok = call_protected(L, run_protected, &p) && p.ok;
  run_set_progname(L, progname);
  ok = call_protected(L, join_protected, &p) && ok;
  if (p.options.replay) replay_end(&p.replay);
  dump_stop(embed_runtime(p.rt));
  gilua_leave(p.rt, L);
  gilua_close(p.rt); /* if threads are still in native code it leaves the heap alone */
  replay_close(&p.replay); /* what is still to come at the end goes by it, too */
  exit(ok ? EXIT_SUCCESS : EXIT_FAILURE);
}
