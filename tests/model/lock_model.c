/* A model of the lock, searched exhaustively: every order in which three threads and the nudger can take their steps.
 *
 * A step is what others cannot see half of: a compare-exchange outside the mutex, a whole critical section inside it, a
 * system call. The transitions are those of runtime/gil: lock.c, ask.c, nudger.c, gil.c, with fairness and time left out: a
 * deadline may pass at any moment, whoever is in line may be passed by one behind that is awake, who came while the
 * lock was on its way may be urgent or not (judge). The lock is closed by its owner or by somebody else for one that
 * cannot get it (gil_abandon). Checked in every state:
 *   one owner     no two threads run with the lock (S9 would break this by two wake-ups for one lock)
 *   sane          the invariants of gil_sane
 *   closed        nobody runs with a closed lock but the owner of that moment, until it leaves it
 * and in every state where nothing can happen any more:
 *   nobody is forgotten   no thread is in line: a lost wake-up (S9), or an owner that computes for ever and was never
 *                         asked because the nudger sleeps without a timeout (L1)
 *   all are told          no thread sleeps that was in line for a lock that was closed
 * Broken variants (-DBREAK_…) show that the search finds such faults; the test runs them, too.
 */
#include "tests/model/search.h"

enum { THREADS = 3, NONE = 0xF, NOBODY = 0xE };

enum { OWNER = 1, COME = 2, ASLEEP = 4, CLOSED = 8 }; /* wake bits */

/* Where a thread is in its code. */
enum {
  NATIVE,     /* runs without the lock; may take it, or end */
  TAKE_SLOW,  /* the compare-exchange of take failed */
  LOOK,       /* in sleep: looks at its wake word */
  SLEEPING,   /* in the kernel */
  COMING,     /* in sleep: was told COME, wants the mutex */
  RUN,        /* owns the lock */
  DROP_SLOW,  /* the compare-exchange of a drop failed */
  AFTER,      /* left the mutex, has system calls to do */
  DONE,       /* its function has ended */
  STOPPED,    /* never gets the lock again: shut_out, or it gives up */
};

enum { OPEN, TO_CLOSE, SHUT }; /* is the lock closed; TO_CLOSE: it will be, at any moment */

enum { WHY_LEAVE, WHY_PARK, WHY_YIELD, WHY_EXIT }; /* of a drop */
enum { OUT, QUEUED, IS_COMING };                   /* place */
enum { TIMED, DORMANT };                           /* nudger */

typedef struct Thread {
  uint8_t pc, why, wake, place, next_pc, budget;
  uint8_t parked;  /* waits to be readied */
  uint8_t request; /* asked to switch */
  uint8_t wake_target, nudge; /* AFTER: what is left to do */
} Thread;

typedef struct State {
  Thread t[THREADS];
  uint8_t owner, ready_bit, coming; /* the word, and Gil.coming */
  uint8_t queue[THREADS], queued;
  uint8_t nudger, nudger_sleeps, alarm;
  uint8_t closed, last_owner; /* SHUT: who owned it then */
} State;

enum { CLOSES_FOR = 1 }; /* gil_abandon's self */

static bool spinner; /* thread 0 computes for ever instead of ending, unless it is asked */
static Search states;

static void fail(const State *s, const char *what) {
  printf("not ok - %s (owner %d, ready %d, coming %d, queued %d, nudger %d/%d, closed %d)\n", what, s->owner, s->ready_bit,
         s->coming, s->queued, s->nudger, s->nudger_sleeps, s->closed);
  for (int i = 0; i < THREADS; i++)
    printf("#   thread %d: pc %d, wake %d, place %d, parked %d, request %d\n", i, s->t[i].pc, s->t[i].wake,
           s->t[i].place, s->t[i].parked, s->t[i].request);
  exit(1);
}

static void check(const State *s) {
  int running = 0;
  for (int i = 0; i < THREADS; i++) running += s->t[i].pc == RUN;
  if (running > 1) fail(s, "two threads own the lock");
  for (int i = 0; s->closed == SHUT && i < THREADS; i++)
    if (s->t[i].pc == RUN && i != s->last_owner) fail(s, "a closed lock was taken");
  if (s->closed == SHUT) return;
  bool someone = s->queued > 0 || s->coming != NONE;
  if ((s->ready_bit != 0) != someone) fail(s, "GIL_READY is wrong");
  if (s->owner == NONE && s->ready_bit && s->coming == NONE) fail(s, "an offered lock that nobody was told of");
}

/* What a thread will not look at again does not tell states apart. */
static void normalise(State *s) {
  for (int i = 0; i < THREADS; i++) {
    Thread *t = &s->t[i];
    if (t->pc != AFTER) t->next_pc = 0;
    if (t->pc != DROP_SLOW) t->why = 0;
    if (t->pc == DONE || t->pc == STOPPED) t->wake = t->request = 0;
  }
}

static void push(State *s) {
  check(s);
  normalise(s);
  search_push(&states, s);
}

/* With the mutex: the functions of lock.c. */

static void own(State *s, int t) {
  s->owner = (uint8_t)t;
  s->ready_bit = s->queued > 0 || s->coming != NONE;
}

/* at: how many in line are passed, policy_next. */
static int pick(State *s, int at) {
  int t = s->coming;
  if (t != NONE) {
    s->coming = NONE;
  } else {
    t = s->queue[at];
    memmove(s->queue + at, s->queue + at + 1, (size_t)(THREADS - 1 - at));
    s->queue[--s->queued] = NONE;
  }
  s->t[t].place = OUT;
  return t;
}

static void tell(State *s, int self, int t, uint8_t bit) {
  if (s->t[t].wake & ASLEEP) s->t[self].wake_target = (uint8_t)t;
  s->t[t].wake |= bit;
}

static void give(State *s, int self, int t) {
  own(s, t);
  s->t[t].parked = 0;
  tell(s, self, t, OWNER);
}

static void enqueue(State *s, int t) {
  s->t[t].place = QUEUED;
  s->queue[s->queued++] = (uint8_t)t;
}

/* gil_plan: somebody was put in line, so the nudger must be timed. */
static void plan(State *s, int self) {
#ifndef BREAK_PLAN
  if (s->nudger == DORMANT) {
    s->nudger = TIMED;
    s->t[self].nudge = 1;
  }
#endif
  (void)s, (void)self;
}

static void let_go(State *s, int t) {
#ifndef BREAK_LET_GO
  s->t[t].wake |= CLOSED;
  if (s->t[t].pc == SLEEPING) s->t[t].pc = LOOK; /* a futex_wake with the mutex */
#endif
  (void)s, (void)t;
}

static void close_line(State *s) {
  s->closed = SHUT;
  s->last_owner = s->owner;
  for (int i = 0; i < s->queued; i++) let_go(s, s->queue[i]);
  if (s->coming != NONE) let_go(s, s->coming);
  memset(s->queue, NONE, sizeof s->queue);
  s->queued = 0;
  s->coming = NONE;
}

/* As owner that leaves, or stops: was the lock closed meanwhile? */
static bool lost(State *s) {
  if (s->closed != SHUT) return false;
#ifdef BREAK_LOST
  s->owner = NONE;
#else
  s->owner = NOBODY;
#endif
  s->ready_bit = 0;
  return true;
}

static void leave_mutex(State *s, int self, uint8_t next_pc) {
  s->t[self].pc = AFTER;
  s->t[self].next_pc = next_pc;
}

/* Steps of one thread; each pushes the states it may lead to. */

static void step_take(State s, int self) {
  Thread *t = &s.t[self];
  if (s.owner == NONE && !s.ready_bit) {
    s.owner = (uint8_t)self;
    t->pc = RUN;
    t->parked = 0;
  } else {
    t->pc = TAKE_SLOW;
  }
  push(&s);
}

static void step_take_slow(State s, int self, bool straight_back) {
  Thread *t = &s.t[self];
  if (s.closed == SHUT) {
    t->pc = STOPPED;
    push(&s);
    return;
  }
  t->pc = LOOK;
  if (s.owner != self && t->place == OUT) {
    bool others = s.queued > 0 || s.coming != NONE;
    if (s.owner == NONE && (!others || straight_back)) {
      own(&s, self);
      t->pc = RUN;
      t->parked = 0;
      push(&s);
      return;
    }
    s.ready_bit = 1;
    enqueue(&s, self);
    plan(&s, self);
  }
  leave_mutex(&s, self, LOOK);
  push(&s);
}

static void step_look(State s, int self) {
  Thread *t = &s.t[self];
  if (t->wake & OWNER) {
    t->wake = 0;
    t->pc = RUN;
    t->parked = 0;
  } else if (t->wake & COME) {
    t->wake &= (uint8_t)~(COME | ASLEEP);
    t->pc = COMING;
  } else if (t->wake & CLOSED) {
    t->pc = STOPPED;
  } else if (!(t->wake & ASLEEP)) {
    t->wake |= ASLEEP;
  } else {
    t->pc = SLEEPING; /* futex_wait: the word is what it was */
  }
  push(&s);
}

/* A parked thread's deadline passes, before or in its sleep. */
static void step_timeout(State s, int self) {
  s.t[self].wake &= (uint8_t)~ASLEEP;
  s.t[self].pc = NATIVE;
  push(&s);
}

static void step_come(State s, int self, bool urgent) {
  Thread *t = &s.t[self];
  t->pc = LOOK;
  if (s.coming == self) {
    s.coming = NONE;
    t->place = OUT;
    if (s.owner == NONE) {
      own(&s, self);
      t->parked = 0;
      if (s.queued > 0) { /* judge: self is asked at once to let the first in line run, or the nudger sees to it */
        t->request |= urgent;
        plan(&s, self);
      }
      leave_mutex(&s, self, RUN);
      push(&s);
      return;
    }
    memmove(s.queue + 1, s.queue, THREADS - 1);
    s.queue[0] = (uint8_t)self;
    s.queued++;
    t->place = QUEUED;
    plan(&s, self);
  }
  leave_mutex(&s, self, LOOK);
  push(&s);
}

static void begin_drop(State s, int self, uint8_t why) {
  Thread *t = &s.t[self];
  t->why = why;
  t->budget--;
  t->pc = DROP_SLOW;
  if (why == WHY_PARK) t->parked = 1;
  if (why != WHY_YIELD && !s.ready_bit) { /* drop_fast */
    s.owner = NONE;
    t->pc = why == WHY_PARK ? LOOK : why == WHY_EXIT ? DONE : NATIVE;
    t->request = 0;
  }
  push(&s);
}

static void step_drop_slow(State s, int self, bool straight_back, int at) {
  Thread *t = &s.t[self];
  if (t->why == WHY_YIELD && !s.ready_bit) {
    t->request = 0;
    t->pc = RUN;
    push(&s);
    return;
  }
  t->request = 0;
  uint8_t next_pc = t->why == WHY_LEAVE ? NATIVE : t->why == WHY_EXIT ? DONE : LOOK;
  if (lost(&s)) {
    t->pc = t->why == WHY_YIELD ? STOPPED : next_pc;
    push(&s);
    return;
  }
  if (t->why == WHY_LEAVE && straight_back) {
    if (s.coming == NONE) {
      int next = pick(&s, at);
      s.t[next].place = IS_COMING;
      s.coming = (uint8_t)next;
#ifndef BREAK_TELL
      tell(&s, self, next, COME);
#endif
    }
    s.owner = NONE;
    s.ready_bit = 1;
  } else {
    int next = pick(&s, at);
    if (t->why == WHY_YIELD) enqueue(&s, self);
    give(&s, self, next);
    if (t->why == WHY_YIELD) plan(&s, self);
  }
  leave_mutex(&s, self, next_pc);
  push(&s);
}

static void step_ready(State s, int self, int target) {
  s.t[self].budget--;
  if (s.t[target].place == OUT && s.closed != SHUT) {
    enqueue(&s, target);
    s.ready_bit = 1;
    plan(&s, self);
  }
  if (s.closed != SHUT) s.t[target].parked = 0;
  leave_mutex(&s, self, RUN);
  push(&s);
}

/* gil_close: the owner lets nobody have the lock any more. */
static void step_close(State s, int self) {
  close_line(&s);
  s.owner = NOBODY;
  s.ready_bit = 0;
  s.t[self].pc = DONE;
  push(&s);
}

/* gil_abandon, by a thread that has nothing to do with the lock. */
static void step_abandon(State s) {
  if (s.owner == CLOSES_FOR) return; /* no effect: the word is put back before the mutex is left */
  close_line(&s);
  let_go(&s, CLOSES_FOR);
#ifndef BREAK_ABANDON
  s.ready_bit = 1; /* from here on the word changes with the mutex only */
  if (s.owner == NONE) {
    s.owner = NOBODY;
    s.ready_bit = 0;
  }
#endif
  push(&s);
}

/* The system calls after the mutex: one a step. */
static void step_after(State s, int self) {
  Thread *t = &s.t[self];
  if (t->wake_target != NONE) {
    Thread *target = &s.t[t->wake_target];
    if (target->pc == SLEEPING) target->pc = LOOK;
    t->wake_target = NONE;
  } else if (t->nudge) {
    s.alarm = 1;
    s.nudger_sleeps = 0;
    t->nudge = 0;
  } else {
    t->pc = t->next_pc;
  }
  push(&s);
}

static void step_run(const State *s, int self) {
  const Thread *t = &s->t[self];
  if (s->closed == TO_CLOSE) step_close(*s, self);
  if (t->request) {
    State asked = *s;
    asked.t[self].budget++;
    begin_drop(asked, self, WHY_YIELD);
    return;
  }
  if (t->budget > 0) {
    begin_drop(*s, self, WHY_LEAVE);
    begin_drop(*s, self, WHY_PARK);
    for (int i = 0; i < THREADS; i++)
      if (i != self && s->t[i].parked) step_ready(*s, self, i);
  } else if (!(spinner && self == 0)) {
    State last = *s;
    last.t[self].budget++;
    begin_drop(last, self, WHY_EXIT);
  }
}

static void step_thread(const State *s, int i) {
  const Thread *t = &s->t[i];
  switch (t->pc) {
    case NATIVE: step_take(*s, i); break;
    case TAKE_SLOW:
      step_take_slow(*s, i, false);
      step_take_slow(*s, i, true);
      break;
    case LOOK:
      step_look(*s, i);
      if (t->parked && t->wake == 0) step_timeout(*s, i);
      break;
    case SLEEPING:
      if (t->parked) step_timeout(*s, i);
      break;
    case COMING:
      step_come(*s, i, false);
      step_come(*s, i, true);
      break;
    case RUN: step_run(s, i); break;
    case DROP_SLOW:
      for (int at = 0; at == 0 || at < s->queued; at++) {
        step_drop_slow(*s, i, false, at);
        if (t->why == WHY_LEAVE) step_drop_slow(*s, i, true, at);
      }
      break;
    case AFTER: step_after(*s, i); break;
    default: break;
  }
}

/* The nudger: asleep, or looking under the mutex. */
static void step_nudger(State s) {
  bool someone = s.queued > 0 || s.coming != NONE;
  if (s.nudger_sleeps) {
    if (s.nudger == DORMANT && !s.alarm) return;
    s.nudger_sleeps = 0; /* woken, or its time is over */
    push(&s);
    return;
  }
  s.alarm = 0;
  if (someone && s.owner < THREADS) s.t[s.owner].request = 1;
  if (someone) {
    s.nudger = TIMED;
    s.nudger_sleeps = 1;
    push(&s);
  } else {
    s.nudger_sleeps = 1;
    s.nudger = DORMANT;
    push(&s);
  }
}

static void step_all(const State *s) {
  bool moved = false;
  for (int i = 0; i < THREADS; i++) {
    step_thread(s, i);
    uint8_t pc = s->t[i].pc;
    bool stuck = pc == DONE || pc == STOPPED || (pc == SLEEPING && !s->t[i].parked) ||
                 (pc == RUN && spinner && i == 0 && s->t[i].budget == 0 && !s->t[i].request);
    moved |= !stuck;
  }
  step_nudger(*s);
  if (s->closed == TO_CLOSE) step_abandon(*s);
  /* a timed nudger goes on looking; that is no progress unless there is an owner to ask */
  bool can_ask = s->nudger == TIMED && s->owner < THREADS && !s->t[s->owner].request;
  if (moved || s->alarm || can_ask) return;
  for (int i = 0; s->closed == SHUT && i < THREADS; i++)
    if (s->t[i].pc == SLEEPING && !s->t[i].parked) fail(s, "a thread in line was not told that the lock is closed");
  if (s->queued > 0 || s->coming != NONE) fail(s, "a thread in line is forgotten");
}

/* budgets: how often each thread does something with the lock before it ends. */
static void search(bool with_spinner, bool closes, const int budgets[THREADS]) {
  State s;
  memset(&s, 0, sizeof s);
  spinner = with_spinner;
  search_begin(&states, sizeof s);
  s.owner = s.coming = NONE;
  s.closed = closes ? TO_CLOSE : OPEN;
  memset(s.queue, NONE, sizeof s.queue);
  s.nudger = DORMANT;
  s.nudger_sleeps = 1;
  for (int i = 0; i < THREADS; i++) {
    s.t[i].budget = (uint8_t)budgets[i];
    s.t[i].wake_target = NONE;
  }
  push(&s);
  while (search_pop(&states, &s)) step_all(&s);
  printf("# %s%s, %d %d %d steps with the lock: %zu states\n",
         with_spinner ? "one thread computes for ever" : "all threads end", closes ? ", the lock is closed" : "", budgets[0],
         budgets[1], budgets[2], states.seen_count);
}

int main(void) {
  search(true, true, (const int[]){0, 1, 1});
  search(false, true, (const int[]){1, 1, 1});
  search(true, false, (const int[]){0, 2, 1});
  search(true, false, (const int[]){1, 1, 1});
  search(false, false, (const int[]){2, 2, 1});
  printf("ok - in no order of steps is the lock owned twice, taken after it was closed, or a thread in line forgotten\n");
  search_end(&states);
  return 0;
}
