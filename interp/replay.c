/* A saved run, turn for turn, and what to say where it goes another way. */
#include "interp/replay.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "interp/seeded.h"

void replay_parse(Replay *r, int argc, char **argv, int first) {
  *r = (Replay){0};
  int i = first;
  for (; i < argc && argv[i][0] == '-'; i++) {
    static const char name[] = "--trace";
    size_t n = sizeof name - 1;
    r->bad = argv[i];
    if (strncmp(argv[i], name, n) != 0 || (argv[i][n] != '\0' && argv[i][n] != '=')) return;
    r->needs = "a file";
    r->trace = argv[i][n] == '=' ? argv[i] + n + 1 : argv[i + 1] != NULL ? argv[++i] : "";
    if (*r->trace == '\0') return;
  }
  r->needs = i < argc ? NULL : "a file that `gilua explore --save` has written";
  r->bad = i < argc ? NULL : "replay";
  if (i + 1 < argc) r->bad = argv[i + 1]; /* the script's arguments are in the file */
  r->path = argv[i];
}

static bool is_same_script(const Replay *r, const char *progname) {
  uint64_t hash;
  int err = schedule_file_hash(r->file.script, &hash);
  if (err != 0) {
    fprintf(stderr, "%s: cannot read the script '%s' of '%s': %s; replay where it was explored\n", progname, r->file.script, r->path,
            strerror(err));
    return false;
  }
  if (hash == r->file.hash) return true;
  fprintf(stderr, "%s: the script '%s' is not the one that '%s' was saved for: explore it again\n", progname, r->file.script,
          r->path);
  return false;
}

bool replay_open(Replay *r, const char *progname) {
  char error[500];
  const char *fault = schedule_file_read(&r->file, r->path, error, sizeof error);
  if (fault != NULL) {
    fprintf(stderr, "%s: %s\n", progname, fault);
    return false;
  }
  if (!is_same_script(r, progname)) return false;
  r->argv = calloc((size_t)r->file.nargs + 3, sizeof *r->argv);
  if (r->argv == NULL) return false;
  r->argv[0] = (char *)"gilua";
  r->argv[1] = r->file.script;
  for (int i = 0; i < r->file.nargs; i++) r->argv[i + 2] = r->file.args[i];
  return true;
}

static const char *done(unsigned how) {
  return how == GIL_YIELDED ? "is preempted" : how == GIL_LEFT ? "leaves the lock for native work" : "waits or ends";
}

/* What the run did and what it should have done, and what that may be due to. */
static void print_difference(const Replay *r) {
  const GivenStrategy *x = &r->given;
  uint64_t at = x->next > 0 ? x->next - 1 : 0;
  const Turn *got = &x->instead, *want = at < x->n ? &x->turns[at] : NULL;
  if (got->how == GIL_YIELDED && x->next < x->n) want = &x->turns[at = x->next]; /* this one was not taken up */
  fprintf(stderr, "gilua: divergence: the run differs from '%s' at turn %" PRIu64 " of %" PRIu64 "\n", r->path, at + 1, x->n);
  if (want != NULL)
    fprintf(stderr, "  saved: thread %u %s at its instruction %" PRIu64 ", and thread %u is next\n", want->from, done(want->how),
            want->steps, want->to);
  else fprintf(stderr, "  saved: nothing more\n");
  fprintf(stderr, "  now:   thread %u %s at its instruction %" PRIu64 "\n", got->from,
          got->how == GIL_YIELDED ? "still runs" : done(got->how), got->steps);
  if (r->schedule.was_outside)
    fputs("  before that a thread was in native work or waited for a descriptor: when that ends is not the schedule's to say\n", stderr);
  else
    fputs("  no thread was outside: the program's input, its environment, a clock that it reads through C, or the order of\n"
          "  pairs() may be others: make that the same in each run\n", stderr);
}

static void tell(Schedule *s, GilThread *self) {
  (void)self;
  const Replay *r = (const Replay *)((const char *)s - offsetof(Replay, schedule));
  fflush(stdout);
  print_difference(r);
  _exit(EXIT_FAILURE);
}

static void stop(Schedule *s, GilThread *self) {
  (void)self;
  fflush(stdout);
  fprintf(stderr, "gilua: the run is stopped after %" PRIu64 " instructions, as the saved one was\n", s->steps);
  _exit(EXIT_FAILURE);
}

void replay_begin(lua_State *L, Replay *r) {
  given_begin(&r->schedule, &r->given, r->file.turns, r->file.nturns, true);
  r->given.tell = tell;
  if (strncmp(r->file.ended, "livelock", strlen("livelock")) == 0) {
    r->schedule.limit = r->file.steps;
    r->schedule.over = stop;
  }
  seeded_begin(L, &r->schedule, r->file.seed);
}

void replay_end(const Replay *r) {
  if (r->given.differs) tell((Schedule *)&r->schedule, NULL);
}

void replay_close(Replay *r) {
  schedule_file_free(&r->file);
  free(r->argv);
}
