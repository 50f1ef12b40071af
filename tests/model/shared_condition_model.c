/* A model of the Condition between processes, searched exhaustively: every order of its steps, and every death between two.
 *
 * Waiters wait once; a notifier notifies one, once. One waiter may be cancelled, at any look. At most DEATHS processes are killed. The
 * lock is one step: the model of its own shows that it can be had. As in runtime/shared: condition.c, wait.c. Time is left out.
 *   who waited     only who had its place when the notification was given gets it; one does, or one more for each death
 *   nothing is lost   of those that live and were not cancelled somebody gets it, if any of them waited then
 *   nothing hangs     whoever was told goes on
 */
#include <stdio.h>
#include <string.h>

#include "tests/model/reach.h"

enum { WAITERS = 3, NOTIFIER = WAITERS, PROCESSES = WAITERS + 1, DEATHS = 2 };
enum { FREE, WAITING, ASLEEP, GRANTED };

/* Where a process is in its code. */
enum {
  LOCK,      /* wants the lock */
  GUARD,     /* wants the guard */
  PLACE,     /* waiter: takes its place and leaves the guard; notifier: tells the first */
  UNLOCK,    /* waiter: releases the lock, with its place */
  TO_SLEEP,
  SLEEPING,
  AGAIN,     /* wants the guard to look */
  LOOK,      /* has it */
  PASS,      /* has found a dead one that was told: tells the next */
  FORGET,    /* and frees its place */
  OUT,       /* got it, or cancelled with it passed on: leaves its place */
  LEAVE,
  RELOCK,
  TOLD_LEAVE, /* notifier */
  TOLD_WAKE,
  TOLD_UNLOCK,
  DONE,
  DEAD
};

typedef struct State {
  uint8_t pc[PROCESSES], place[WAITERS], number[WAITERS], told[WAITERS];
  uint8_t cancelled[WAITERS], got[WAITERS], eligible[WAITERS], looks[WAITERS];
  uint8_t wake[PROCESSES]; /* + 1 */
  uint8_t lock, guard, deaths, last, given;
} State;

static bool is_dead(const State *s, int who) { return who != 0 && s->pc[who - 1] == DEAD; }

static bool take(State *s, uint8_t *word, int p, int next) {
  if (*word != 0 && !is_dead(s, *word)) return false;
  *word = (uint8_t)(p + 1);
  s->pc[p] = (uint8_t)next;
  return true;
}

static int first_waiting(const State *s) {
  int first = -1;
  for (int q = 0; q < WAITERS; q++)
    if ((s->place[q] == WAITING || s->place[q] == ASLEEP) && (first < 0 || s->number[q] < s->number[first])) first = q;
  return first;
}

static void grant(State *s, int p, int first) {
  s->wake[p] = s->place[first] == ASLEEP ? (uint8_t)(first + 1) : 0;
  s->place[first] = GRANTED;
  s->told[first] = s->last;
}

/* To who waited when it was given. */
static void pass_on(State *s, int p, int from) {
  int first = first_waiting(s);
  uint8_t told = s->told[from];
#ifdef BREAK_LATER
  told = UINT8_MAX;
#endif
  if (first < 0 || s->number[first] > told) return;
  grant(s, p, first);
  s->told[first] = told;
}

static int dead_and_told(const State *s) {
  for (int q = 0; q < WAITERS; q++)
    if (s->place[q] == GRANTED && s->pc[q] == DEAD) return q;
  return -1;
}

static void wake(State *s, int p) {
  int q = s->wake[p] - 1;
  if (q >= 0 && s->pc[q] == SLEEPING) s->pc[q] = AGAIN;
  s->wake[p] = 0;
}

static void notify(State *s) {
  int first = first_waiting(s);
  s->given = first >= 0;
  for (int q = 0; q < WAITERS; q++) s->eligible[q] = s->place[q] != FREE && s->pc[q] != DEAD;
  if (first >= 0) grant(s, NOTIFIER, first);
  s->pc[NOTIFIER] = TOLD_LEAVE;
}

static bool anybody_cancelled(const State *s) {
  for (int p = 0; p < WAITERS; p++)
    if (s->cancelled[p]) return true;
  return false;
}

static void go(const State *s) { reach_go(s); }

static void step_notifier(State s) {
  const int p = NOTIFIER;
  switch (s.pc[p]) {
    case LOCK: if (!take(&s, &s.lock, p, GUARD)) return; break;
    case GUARD: if (!take(&s, &s.guard, p, PLACE)) return; break;
    case PLACE: notify(&s); break;
    case TOLD_LEAVE: s.guard = 0; s.pc[p] = TOLD_WAKE; break;
    case TOLD_WAKE: wake(&s, p); s.pc[p] = TOLD_UNLOCK; break;
    case TOLD_UNLOCK: s.lock = 0; s.pc[p] = DONE; break;
    default: return;
  }
  go(&s);
}

static void look(State *s, int p) {
  if (s->place[p] == GRANTED) {
    s->got[p] = 1;
    s->pc[p] = OUT;
  } else if (s->looks[p] && dead_and_told(s) >= 0) {
    s->pc[p] = PASS;
  } else {
    s->guard = 0;
    s->looks[p] = 0;
    s->pc[p] = TO_SLEEP;
  }
}

/* With the guard: what it was told is for the next one. */
static void leave_cancelled(State *s, int p) {
  s->cancelled[p] = 1;
#ifndef BREAK_CANCEL
  if (s->place[p] == GRANTED) {
    s->place[p] = FREE;
    pass_on(s, p, p);
  }
#endif
  s->place[p] = FREE;
  s->pc[p] = LEAVE;
}

static void step_waiter(State s, int p) {
  const State was = s;
  switch (s.pc[p]) {
    case LOCK: if (!take(&s, &s.lock, p, GUARD)) return; break;
    case GUARD: if (!take(&s, &s.guard, p, PLACE)) return; break;
    case PLACE: s.number[p] = ++s.last; s.place[p] = WAITING; s.guard = 0; s.pc[p] = UNLOCK; break;
    case UNLOCK: s.lock = 0; s.pc[p] = TO_SLEEP; break;
    case TO_SLEEP:
      if (s.place[p] == WAITING) s.place[p] = ASLEEP;
      s.pc[p] = s.place[p] == ASLEEP ? SLEEPING : AGAIN;
      break;
    case SLEEPING: /* looks */
#ifdef BREAK_LOOK
      return;
#endif
      if (s.place[p] == ASLEEP) s.place[p] = WAITING;
      s.looks[p] = 1;
      s.pc[p] = AGAIN;
      break;
    case AGAIN: if (!take(&s, &s.guard, p, LOOK)) return; break;
    case LOOK:
      if (!anybody_cancelled(&s)) {
        leave_cancelled(&s, p);
        go(&s);
      }
      s = was;
      look(&s, p);
      break;
    case PASS: pass_on(&s, p, dead_and_told(&s)); s.pc[p] = FORGET; break;
    case FORGET:
      if (dead_and_told(&s) >= 0) s.place[dead_and_told(&s)] = FREE;
      s.pc[p] = LOOK;
      break;
    case OUT: s.place[p] = FREE; s.pc[p] = LEAVE; break;
    case LEAVE: s.guard = 0; wake(&s, p); s.pc[p] = RELOCK; break;
    case RELOCK: if (s.lock != 0 && !is_dead(&s, s.lock)) return; s.pc[p] = DONE; break; /* has it, and releases it */
    default: return;
  }
  go(&s);
}

static void expand(const void *state) {
  const State *s = state;
  for (int p = 0; p < PROCESSES; p++) {
    if (s->pc[p] == DONE || s->pc[p] == DEAD) continue;
    if (p == NOTIFIER) step_notifier(*s);
    else step_waiter(*s, p);
    if (s->deaths == DEATHS) continue;
    State killed = *s;
    killed.pc[p] = DEAD;
    killed.deaths++;
    killed.wake[p] = 0;
    go(&killed);
  }
}

static const char *wrong(const void *state) {
  const State *s = state;
  int n = 0;
  for (int p = 0; p < WAITERS; p++) {
    n += s->got[p];
    if (s->got[p] && !s->eligible[p]) return "who came later was notified";
  }
  return n > 1 + s->deaths ? "one notification was had by several" : NULL;
}

/* Somebody has it, or all that could have it are dead or were cancelled. A dead one that got it had it. */
static bool is_had(const State *s) {
  bool could = false;
  for (int p = 0; p < WAITERS; p++) {
    if (s->got[p]) return true;
    could |= s->eligible[p] && s->pc[p] != DEAD && !s->cancelled[p];
  }
  return !could;
}

static bool good(const void *state) {
  const State *s = state;
  if (s->pc[NOTIFIER] != DONE && s->pc[NOTIFIER] != DEAD) return false;
  for (int p = 0; p < WAITERS; p++) {
    bool rests = s->pc[p] == DONE || s->pc[p] == DEAD || (s->pc[p] == SLEEPING && s->place[p] != GRANTED);
    if (!rests) return false;
  }
  return !s->given || is_had(s);
}

/* Where nothing is left to happen to them. */
static bool asked(const void *state) {
  const State *s = state;
  return s->deaths == DEATHS && anybody_cancelled(s);
}

static void print(const void *state) {
  const State *s = state;
  for (int p = 0; p < WAITERS; p++) printf("pc %d place %d got %d, ", s->pc[p], s->place[p], s->got[p]);
  printf("notifier pc %d, lock %d, guard %d", s->pc[NOTIFIER], s->lock, s->guard);
}

int main(void) {
  static const ReachModel model = {sizeof(State), expand, wrong, good, asked, print};
  State first;
  memset(&first, 0, sizeof first);
  reach_run(&model, &first, "whoever is killed or cancelled wherever, a notification reaches one of those that waited");
}
