/* A model of the Barrier between processes, searched exhaustively: every order of its steps, and every death between two of them.
 *
 * As many processes as it has parties wait once; whoever comes last runs the action. One may be late, which breaks the barrier, while it
 * stands still with the guard or not. At most DEATHS processes are killed. As in runtime/shared: condition.c, wait.c. Time is left
 * out: a sleeper may look at any moment.
 *   all came        who passes does so when all have arrived and the action was run, in that generation
 *   they agree      some pass and others find it broken only if somebody was killed
 *   nothing hangs   once all have arrived, or it is broken, each that lives comes out
 */
#include <stdio.h>
#include <string.h>

#include "tests/model/reach.h"

enum { PARTIES = 3, DEATHS = 2 };
enum { FREE, WAITING, ASLEEP };
enum { NOTHING, PASSED, BROKEN, LATE };

/* Where a process is in its code. */
enum {
  GUARD,      /* wants the guard */
  TRY,
  RUNNER,     /* arrives last: says that it runs the action */
  ARRIVE,     /* one store */
  SLEEP_LEAVE, /* leaves the guard with a place */
  SLEEPING,
  BREAK,      /* has the guard: broken, and then the end of the generation */
  OUTCOME,    /* the end of a generation, in four steps */
  STATE,
  NO_RUNNER,
  TELL,
  LEAVE,      /* the guard: with a result, or to run the action */
  ACTION,
  PASS_GUARD, /* the action was run: wants the guard to let the others pass */
  PASS,
  DONE,
  DEAD
};

typedef struct State {
  uint8_t pc[PARTIES], place[PARTIES], arrived[PARTIES], result[PARTIES], breaks[PARTIES], looks[PARTIES], last[PARTIES];
  uint8_t guard, generation, count, runner, broken, outcome, deaths, was_late; /* guard, runner: + 1 */
  uint8_t acted, came; /* came: a bit for each that arrived in generation 0 */
} State;

static bool is_dead(const State *s, int who) { return who != 0 && s->pc[who - 1] == DEAD; }

static bool take_guard(State *s, int p, int next) {
  if (s->guard != 0 && !is_dead(s, s->guard)) return false;
  s->guard = (uint8_t)(p + 1);
  s->pc[p] = (uint8_t)next;
  return true;
}

static void get(State *s, int p, int result) {
  s->result[p] = (uint8_t)result;
  s->pc[p] = LEAVE;
}

static void try(State *s, int p) {
  if (s->looks[p] && is_dead(s, s->runner)) s->pc[p] = BREAK;
  else if (s->arrived[p] && s->generation != 0) get(s, p, s->outcome);
  else if (s->arrived[p] && s->broken) {
    s->breaks[p] = 1;
    s->pc[p] = OUTCOME; /* a death amid a break */
  } else if (s->arrived[p]) s->pc[p] = SLEEP_LEAVE;
  else if (s->broken) get(s, p, BROKEN);
  else if (s->runner != 0) s->pc[p] = SLEEP_LEAVE;
  else s->pc[p] = s->count + 1 == PARTIES ? RUNNER : ARRIVE;
  s->looks[p] = 0;
}

static void arrive(State *s, int p) {
  s->arrived[p] = s->generation == 0;
  s->last[p] = s->count + 1 == PARTIES;
  s->count++;
  if (s->generation == 0) s->came |= (uint8_t)(1 << p);
  s->pc[p] = s->last[p] ? LEAVE : SLEEP_LEAVE;
}

static void tell_all(State *s) {
  for (int q = 0; q < PARTIES; q++) {
    if (s->place[q] == ASLEEP && s->pc[q] == SLEEPING) s->pc[q] = GUARD;
    s->place[q] = FREE;
  }
}

/* After the end of a generation: who ended it by a break tries again, or is late itself. */
static void after_end(State *s, int p) {
  if (s->last[p] && !s->breaks[p]) get(s, p, PASSED);
  else if (s->was_late == p + 1) get(s, p, BROKEN);
  else s->pc[p] = TRY;
  s->breaks[p] = 0;
}

static void pass(State *s, int p) {
#ifdef BREAK_PASS /* passes, though it was broken meanwhile */
  if (s->runner != p + 1) get(s, p, PASSED);
#else
  if (s->runner != p + 1) get(s, p, BROKEN);
#endif
  else s->pc[p] = OUTCOME;
}

static void go(const State *s) { reach_go(s); }

/* Late: with the guard, or else, as somebody stands still with it, by the one store that the others see when they look. */
static void be_late(State s, int p) {
  if (s.was_late != 0 || s.pc[p] != SLEEPING) return;
  s.was_late = (uint8_t)(p + 1);
  s.place[p] = FREE;
  State no_guard = s;
  if (take_guard(&s, p, BREAK)) {
    if (s.arrived[p] && s.generation != 0) get(&s, p, s.outcome);
    go(&s);
  }
#ifndef BREAK_STILL
  no_guard.broken = 1;
#endif
  no_guard.result[p] = LATE; /* it cannot know what the others find */
  no_guard.pc[p] = DONE;
  if (no_guard.guard != 0 && !is_dead(&no_guard, no_guard.guard)) go(&no_guard);
}

static void step(State s, int p) {
  switch (s.pc[p]) {
    case GUARD: if (!take_guard(&s, p, TRY)) return; break;
    case TRY: try(&s, p); break;
    case RUNNER: s.runner = (uint8_t)(p + 1); s.pc[p] = ARRIVE; break;
    case ARRIVE: arrive(&s, p); break;
    case SLEEP_LEAVE: s.place[p] = ASLEEP; s.guard = 0; s.pc[p] = SLEEPING; break;
    case SLEEPING: /* looks */
      be_late(s, p);
#ifdef BREAK_LOOK
      return;
#endif
      s.place[p] = FREE;
      s.looks[p] = 1;
      s.pc[p] = GUARD;
      break;
    case BREAK: s.broken = 1; s.breaks[p] = 1; s.pc[p] = OUTCOME; break;
    case OUTCOME:
      if (s.generation == 0) s.outcome = s.breaks[p] ? BROKEN : PASSED;
      s.pc[p] = STATE;
      break;
    case STATE: s.generation = 1; s.count = 0; s.pc[p] = NO_RUNNER; break;
    case NO_RUNNER: s.runner = 0; s.pc[p] = TELL; break;
    case TELL: tell_all(&s); after_end(&s, p); break;
    case LEAVE: s.guard = 0; s.pc[p] = s.result[p] != NOTHING ? DONE : ACTION; break;
    case ACTION: s.acted = 1; s.pc[p] = PASS_GUARD; break;
    case PASS_GUARD: if (!take_guard(&s, p, PASS)) return; break;
    case PASS: pass(&s, p); break;
    default: return;
  }
  go(&s);
}

static void expand(const void *state) {
  const State *s = state;
  for (int p = 0; p < PARTIES; p++) {
    if (s->pc[p] == DEAD) continue;
    if (s->pc[p] != DONE) step(*s, p);
    if (s->deaths == DEATHS) continue;
    State killed = *s;
    killed.pc[p] = DEAD;
    killed.deaths++;
    go(&killed);
  }
}

static const char *wrong(const void *state) {
  const State *s = state;
  bool passed = false, broken = false;
  for (int p = 0; p < PARTIES; p++) {
    passed |= s->result[p] == PASSED;
    broken |= s->result[p] == BROKEN && s->arrived[p];
  }
  if (passed && (s->came != (1 << PARTIES) - 1 || !s->acted)) return "one passed before all had arrived and the action was run";
  return passed && broken && s->deaths == 0 ? "one passed where another found it broken" : NULL;
}

/* While some have not come, none came out late, and it is not broken, those that have come wait. */
static bool good(const void *state) {
  const State *s = state;
  bool must_wait = s->came != (1 << PARTIES) - 1 && !s->broken && s->generation == 0;
  for (int p = 0; p < PARTIES; p++) must_wait &= s->result[p] == NOTHING;
  for (int p = 0; p < PARTIES; p++)
    if (s->pc[p] != DONE && s->pc[p] != DEAD && !(must_wait && s->pc[p] == SLEEPING)) return false;
  return true;
}

/* A process that is done may end, too: so nothing is left to happen then. */
static bool asked(const void *state) {
  const State *s = state;
  return s->deaths == DEATHS;
}

static void print(const void *state) {
  const State *s = state;
  for (int p = 0; p < PARTIES; p++) printf("pc %d result %d, ", s->pc[p], s->result[p]);
  printf("guard %d, runner %d, count %d, generation %d, broken %d", s->guard, s->runner, s->count, s->generation, s->broken);
}

int main(void) {
  static const ReachModel model = {sizeof(State), expand, wrong, good, asked, print};
  State first;
  memset(&first, 0, sizeof first);
  reach_run(&model, &first, "whoever is killed or late wherever, all pass together or find it broken");
}
