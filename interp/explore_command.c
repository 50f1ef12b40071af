/* `gilua explore`: its options, and what it prints. */
#include "interp/explore_command.h"

#include <errno.h>
#include <inttypes.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "interp/explain.h"
#include "interp/gilua.h"
#include "interp/options.h"
#include "interp/run.h"
#include "runtime/schedule/file.h"
#include "runtime/state/request.h"

static const char *value_of(char **argv, int *i, const char *name) {
  size_t n = strlen(name);
  if (strncmp(argv[*i], name, n) != 0 || (argv[*i][n] != '=' && argv[*i][n] != '\0')) return NULL;
  const char *value = argv[*i][n] == '=' ? argv[*i] + n + 1 : argv[*i + 1] != NULL ? argv[++*i] : "";
  return value;
}

static bool read_unsigned(const char *text, unsigned low, unsigned high, unsigned *value) {
  uint64_t n;
  if (!options_read_number(text, &n) || n < low || n > high) return false;
  *value = (unsigned)n;
  return true;
}

static bool read_seconds(const char *text, int64_t *ns) {
  char *end;
  double seconds = strtod(text, &end);
  if (*text == '\0' || *end != '\0' || !(seconds > 0 && seconds <= 1e9)) return false;
  *ns = (int64_t)(seconds * 1e9);
  return true;
}

/* One option, with its value; false if it is none of ours. */
static bool parse_option(ExploreCommand *c, char **argv, int *i, bool *runs_given) {
  ExploreOptions *o = &c->options;
  const char *value;
  c->needs = NULL;
  if ((value = value_of(argv, i, "--runs")) != NULL) {
    *runs_given = true;
    if (!options_read_number(value, &o->runs)) c->needs = "a number";
  } else if ((value = value_of(argv, i, "--seconds")) != NULL) {
    if (!read_seconds(value, &o->time_ns)) c->needs = "seconds above 0";
  } else if ((value = value_of(argv, i, "--strategy")) != NULL) {
    if (!explore_strategy(value, &o->strategy)) c->needs = "random, pct, pos or all";
  } else if ((value = value_of(argv, i, "--depth")) != NULL) {
    if (!read_unsigned(value, 1, PCT_DEPTH_MAX, &o->depth)) c->needs = "a number from 1 to 16";
  } else if ((value = value_of(argv, i, "--jobs")) != NULL) {
    if (!read_unsigned(value, 1, EXPLORE_JOBS_MAX, &o->jobs)) c->needs = "a number from 1 to 64";
  } else if ((value = value_of(argv, i, "--seed")) != NULL) {
    if (!options_read_number(value, &o->seed)) c->needs = "a number from 0 to 2^64 - 1";
  } else if (strcmp(argv[*i], "--races") == 0) {
    o->races = true;
  } else if (strcmp(argv[*i], "--count") == 0) {
    o->count = true;
  } else if ((value = value_of(argv, i, "--save")) != NULL) {
    c->save = value;
    if (*value == '\0') c->needs = "a file";
  } else {
    return false;
  }
  return true;
}

void explore_parse(ExploreCommand *c, int argc, char **argv, int first) {
  *c = (ExploreCommand){.options = explore_defaults(), .script = argc};
  bool runs_given = false;
  int i = first;
  for (; i < argc && argv[i][0] == '-'; i++) {
    c->bad = argv[i];
    if (!parse_option(c, argv, &i, &runs_given)) return;
    if (c->needs != NULL) return;
  }
  c->bad = i < argc ? NULL : "explore";
  c->needs = i < argc ? NULL : "a script";
  c->script = i;
  bool unbound = c->options.time_ns != CLOCK_NEVER || c->options.strategy == EXPLORE_ALL;
  if (unbound && !runs_given) c->options.runs = UINT64_MAX - 1;
}

/* In a child: the script is the only value in the registry under that key. */
static const char script_key = 0;

static int run_script_again(lua_State *L, void *data) {
  (void)data;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &script_key);
  return run_loaded(L) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void print_size(const Explored *x) {
  printf("  %" PRIu64 " thread%s, %" PRIu64 " instructions without a preemption, of which others may notice %" PRIu64 " as they run\n", x->threads,
         x->threads == 1 ? "" : "s", x->length, x->events);
}

static void print_good(const ExploreCommand *c, const Explored *x, const char *script) {
  printf("%s: %" PRIu64 " run%s, none failed; %" PRIu64 " of them were different (strategy %s, seed %" PRIu64 ")\n", script, x->runs,
         x->runs == 1 ? "" : "s",
         x->distinct, explore_name(c->options.strategy), c->options.seed);
  if (c->options.races && x->unseen[0] == '\0') printf("  no race was seen\n");
  if (x->unseen[0] != '\0') printf("  races were not looked for to the end of each run: %s\n", x->unseen);
  print_size(x);
  if (c->options.strategy == EXPLORE_ALL && x->complete)
    printf("  every order with at most %u preemptions was run\n", c->options.depth - 1);
  if (c->options.strategy == EXPLORE_ALL && !x->complete)
    printf("  there are more orders with at most %u preemptions\n", c->options.depth - 1);
  if (c->options.strategy == EXPLORE_PCT)
    printf("  a failure of depth %u shows in a run with a probability of at least %.2g\n", c->options.depth,
           pct_bound(c->options.depth, x->threads, x->events));
}

/* A word as a shell takes it. */
static void print_word(const char *word) {
  static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+=./:,@%";
  if (*word != '\0' && word[strspn(word, plain)] == '\0') {
    printf(" %s", word);
    return;
  }
  fputs(" '", stdout);
  for (; *word != '\0'; word++)
    if (*word == '\'') fputs("'\\''", stdout);
    else putchar(*word);
  putchar('\'');
}

static void print_repeat(const ExploreCommand *c, const Explored *x, char **argv, bool saved) {
  if (saved) {
    printf("to repeat it: gilua replay");
    print_word(c->save);
    putchar('\n');
    return;
  }
  printf("to repeat it: gilua explore --strategy %s", explore_name(c->options.strategy));
  if (c->options.strategy == EXPLORE_PCT || c->options.strategy == EXPLORE_ALL) printf(" --depth %u", c->options.depth);
  if (c->options.races) printf(" --races");
  printf(" --seed %" PRIu64 " --runs %" PRIu64, c->options.seed, x->run);
  for (int i = c->script; argv[i] != NULL; i++) print_word(argv[i]);
  printf("\nto keep it: the same with --save FILE\n");
}

/* The schedule decides the order of threads, and nothing else. */
static void print_unlike(const Explored *x) {
  printf("  the same switches did not give the same run again: ");
  if (x->job.trial->schedule.was_outside)
    printf("a thread was in native work or waited for a descriptor or a process, whose end is not the schedule's to say\n");
  else
    printf("it depends on something else, as a file, a clock that is read through C, or the order of pairs()\n");
  printf("  make that the same in each run to repeat it\n");
}

static void print_failure(const ExploreCommand *c, const Explored *x, char **argv) {
  const char *text = x->text;
  printf("%s fails (%s) in run %" PRIu64 " (strategy %s, seed %" PRIu64 ")\n", argv[c->script], explore_outcome(x->outcome), x->run,
         explore_name(c->options.strategy), c->options.seed);
  if (x->run == 0) printf("  it fails by itself, without any preemption\n");
  else
    printf("  with %" PRIu64 " preemptions, of which %" PRIu64 " %s left after shrinking\n", x->preemptions, x->kept,
           x->kept == 1 ? "is" : "are");
  if (c->options.count) {
    printf("  of %" PRIu64 " runs %" PRIu64 " failed; %" PRIu64 " of them were different\n", x->runs, x->failures, x->distinct);
    print_size(x);
  }
  if (!x->repeats) print_unlike(x);
  if (x->outcome == OUTCOME_LIVELOCK) printf("  it was stopped after %" PRIu64 " instructions\n", x->job.trial->schedule.steps);
  if (x->outcome == OUTCOME_DIED) printf("  it died by signal %d\n", x->status);
  if (*text != '\0') printf("it printed:\n");
  for (size_t n; *text != '\0'; text += n + (text[n] != '\0')) {
    n = strcspn(text, "\n");
    printf("  %.*s\n", (int)n, text);
  }
  explain(stdout, x->job.trial);
  explain_races(stdout, x->job.trial);
}

/* The first line of a text, in room. */
static char *first_line(const char *text, char *room, size_t n) {
  snprintf(room, n, "%.*s", (int)strcspn(text, "\n"), text);
  return room;
}

static bool save(const ExploreCommand *c, const Explored *x, char **argv) {
  const Trial *t = x->job.trial;
  char found[100], ended[600], line[500], by[64];
  snprintf(found, sizeof found, "%s %" PRIu64 ", run %" PRIu64, explore_name(c->options.strategy), c->options.seed, x->run);
  snprintf(ended, sizeof ended, "%s %d: %s", explore_outcome(x->outcome), x->status, first_line(x->text, line, sizeof line));
  snprintf(by, sizeof by, "gilua " GILUA_VERSION " on " LUA_VERSION);
  ScheduleFile f = {.made_by = by, .script = argv[c->script], .found = found, .ended = ended, .args = argv + c->script + 1,
                    .seed = c->options.seed, .steps = t->schedule.steps, .digest = t->schedule.digest, .turns = (Turn *)t->turns,
                    .nturns = t->schedule.nturns};
  while (f.args[f.nargs] != NULL) f.nargs++;
  int err = f.nturns <= TRIAL_TURNS ? schedule_file_hash(f.script, &f.hash) : EFBIG;
  if (err == 0) err = schedule_file_write(&f, c->save);
  if (err != 0) fprintf(stderr, "gilua explore: cannot save the run to '%s': %s\n", c->save, strerror(err));
  return err == 0;
}

static bool tell(const ExploreCommand *c, const Explored *x, char **argv) {
  if (x->outcome == OUTCOME_GOOD) {
    print_good(c, x, argv[c->script]);
    return true;
  }
  print_failure(c, x, argv);
  print_repeat(c, x, argv, c->save != NULL && save(c, x, argv));
  return false;
}

bool explore_command(lua_State *L, const ExploreCommand *c, char **argv) {
  Explored x;
  if (!run_load(L, argv + c->script)) return false;
  lua_rawsetp(L, LUA_REGISTRYINDEX, &script_key);
  const TrialProgram program = {.run = run_script_again};
  int err = explore(L, &c->options, &program, &x);
  bool interrupted = x.interrupted && x.outcome == OUTCOME_GOOD, good = false;
  if (x.interrupted) request_drop_interrupt(tstate_self());
  if (err != 0) fprintf(stderr, "gilua explore: cannot run the script: %s\n", strerror(err));
  else if (!interrupted) good = tell(c, &x, argv);
  else fprintf(stderr, "gilua explore: interrupted by Ctrl-C after %" PRIu64 " runs, none of which failed\n", x.runs);
  fflush(stdout);
  explore_end(&x);
  return good;
}
