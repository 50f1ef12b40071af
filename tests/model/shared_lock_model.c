/* A model of the Lock between processes, searched exhaustively: every order of its steps, and every death between two of them.
 *
 * Each process acquires it once, by the short way or by a place and sleep, and releases it; one may be cancelled when it has got it
 * and gives it back. At most DEATHS of them are killed. As in runtime/shared: guard.c, wait.c, lock.c. Time is left out: a
 * sleeper may look at any moment, and who releases may fail to get the guard, as when somebody stands still with it. With CALM
 * nobody is killed or cancelled, gets no guard, or looks: what is told is enough.
 *   one has it      at most one living process is between acquire and release
 *   it is told      who gets the lock of a process that died with it knows that, also after another one gave it back
 *   nothing hangs   the living can go on to where each has had it
 */
#include <stdio.h>
#include <string.h>

#include "tests/model/reach.h"

#ifdef CALM
enum { DEATHS = 0, DISTURBED = 0 };
#else
enum { DEATHS = 2, DISTURBED = 1 };
#endif
enum { PROCESSES = 3, WAITED = 0x80 };
enum { FREE, WAITING, ASLEEP, GRANTED };

/* Where a process is in its code. */
enum {
  TRY,       /* the short way */
  GUARD,     /* wants the guard to try */
  TAKE,      /* has it: tries */
  STEAL,     /* BREAK_STEAL: has seen that it is free, and stores */
  MARK,      /* the word says that somebody waits; its place */
  UNPLACE,   /* got it: gives up its place */
  LEAVE,     /* the guard, with the lock */
  PLACED,    /* left the guard with a place */
  SLEEPING,
  HAS,
  GIVE_UP,
  TELL_GUARD, /* released: wants the guard to tell the first */
  UNMARK,
  TELL,
  TELL_LEAVE,
  WAKE,
  DONE,
  DEAD
};

typedef struct State {
  uint8_t pc[PROCESSES], place[PROCESSES], number[PROCESSES];
  uint8_t look[PROCESSES], abandoned[PROCESSES]; /* the owner that died, + 1 */
  uint8_t woken[PROCESSES];                      /* whom it is to wake, + 1 */
  uint8_t word, guard, dead, deaths, last, lost; /* owners are + 1; lost: somebody died with the lock, and nobody knows */
} State;

static int owner(const State *s) { return s->word & ~WAITED; }
static bool is_dead(const State *s, int who) { return who != 0 && s->pc[who - 1] == DEAD; }

static bool anybody_placed(const State *s) {
  for (int p = 0; p < PROCESSES; p++)
    if (s->place[p] != FREE) return true;
  return false;
}

static bool take_guard(State *s, int p, int next) {
  if (s->guard != 0 && !is_dead(s, s->guard)) return false;
  s->guard = (uint8_t)(p + 1);
  s->pc[p] = (uint8_t)next;
  return true;
}

static void own(State *s, int p, bool was_dead) {
  uint8_t mark = anybody_placed(s) ? WAITED : 0;
#ifdef BREAK_MARK
  mark = s->word & WAITED;
#endif
  s->abandoned[p] = was_dead ? (uint8_t)owner(s) : 0;
  s->word = (uint8_t)(p + 1) | mark;
  s->pc[p] = UNPLACE;
}

static void take(State *s, int p) {
  bool look = s->look[p] || (owner(s) != 0 && owner(s) == s->dead);
  bool was_dead = look && is_dead(s, owner(s));
  if (owner(s) != 0 && !was_dead) {
    s->pc[p] = MARK;
    return;
  }
#ifdef BREAK_STEAL
  s->abandoned[p] = (uint8_t)owner(s);
  s->pc[p] = STEAL;
#else
  own(s, p, was_dead);
#endif
}

/* It goes on waiting: in one step, as nothing of it is half done. */
static void place(State *s, int p) {
  s->word |= WAITED;
  if (s->place[p] == FREE) s->number[p] = ++s->last;
  s->place[p] = WAITING;
  s->look[p] = 0;
  s->guard = 0;
  s->pc[p] = PLACED;
}

static void tell(State *s, int p) {
  int first = -1;
  for (int q = 0; q < PROCESSES; q++)
    if ((s->place[q] == WAITING || s->place[q] == ASLEEP) && (first < 0 || s->number[q] < s->number[first])) first = q;
  if (first < 0) return;
  s->woken[p] = s->place[first] == ASLEEP ? (uint8_t)(first + 1) : 0;
  s->place[first] = GRANTED;
  s->word &= (uint8_t)~WAITED;
}

/* For good, or back to the dead: for who comes next. */
static void give_up(State *s, int p, bool back) {
  uint8_t mark = s->word & WAITED, to = 0;
#ifdef BREAK_GIVE_BACK
  back = false;
#endif
  if (back) to = s->abandoned[p];
  s->word = mark | to;
  if (to != 0) s->lost = 1;
  s->dead = to;
  s->pc[p] = mark != 0 ? TELL_GUARD : DONE;
}

/* Knows that it has it, and whether somebody died with it. */
static void enter(State *s, int p) {
  if (s->abandoned[p] != 0) s->lost = 0;
  s->pc[p] = HAS;
}

static void go(const State *s) { reach_go(s); }

static void step(State s, int p) {
  const State was = s;
  switch (s.pc[p]) {
    case TRY:
      if (owner(&s) == 0) {
        s.word |= (uint8_t)(p + 1);
        enter(&s, p);
      } else {
        s.pc[p] = GUARD;
      }
      break;
    case GUARD: if (!take_guard(&s, p, TAKE)) return; break;
    case TAKE: take(&s, p); break;
    case STEAL: own(&s, p, s.abandoned[p] != 0); break;
    case MARK: /* it was released meanwhile, and the releaser saw no mark */
      if (s.word == 0) s.pc[p] = TAKE;
      else place(&s, p);
      break;
    case UNPLACE: s.place[p] = FREE; s.pc[p] = LEAVE; break;
    case LEAVE:
      s.guard = 0;
      enter(&s, p);
      go(&s);
      if (!DISTURBED) return;
      s = was; /* or it is cancelled, and gives it back */
      s.guard = 0;
      give_up(&s, p, true);
      break;
    case PLACED:
      if (s.place[p] == WAITING) s.place[p] = ASLEEP;
      s.pc[p] = s.place[p] == ASLEEP ? SLEEPING : GUARD;
      break;
    case SLEEPING: /* looks */
#ifdef BREAK_LOOK
      return;
#endif
      if (!DISTURBED) return;
      if (s.place[p] == ASLEEP) s.place[p] = WAITING;
      s.look[p] = 1;
      s.pc[p] = GUARD;
      break;
    case HAS: s.pc[p] = GIVE_UP; break;
    case GIVE_UP: give_up(&s, p, false); break;
    case TELL_GUARD:
      s.pc[p] = DONE;
      if (DISTURBED) go(&s); /* it could not get it in time */
      s = was;
      if (!take_guard(&s, p, UNMARK)) return;
      break;
    case UNMARK:
      if (!anybody_placed(&s) && s.word == WAITED) s.word = 0;
      s.pc[p] = TELL;
      break;
    case TELL: tell(&s, p); s.pc[p] = TELL_LEAVE; break;
    case TELL_LEAVE: s.guard = 0; s.pc[p] = WAKE; break;
    case WAKE:
      if (s.woken[p] != 0 && s.pc[s.woken[p] - 1] == SLEEPING) s.pc[s.woken[p] - 1] = GUARD;
      s.woken[p] = 0;
      s.pc[p] = DONE;
      break;
    default: return;
  }
  go(&s);
}

static void expand(const void *state) {
  const State *s = state;
  for (int p = 0; p < PROCESSES; p++) {
    if (s->pc[p] == DONE || s->pc[p] == DEAD) continue;
    step(*s, p);
    if (s->deaths == DEATHS) continue;
    State killed = *s;
    killed.pc[p] = DEAD;
    killed.deaths++;
    killed.woken[p] = killed.look[p] = killed.abandoned[p] = 0;
    if (owner(s) == p + 1) killed.lost = 1;
    go(&killed);
  }
}

static bool between(const State *s, int p) { return s->pc[p] == HAS || s->pc[p] == GIVE_UP; }

static const char *wrong(const void *state) {
  const State *s = state;
  int n = 0;
  for (int p = 0; p < PROCESSES; p++) {
    n += between(s, p);
    if (between(s, p) && owner(s) != p + 1) return "who has the lock is not its owner";
    if (between(s, p) && s->lost) return "nobody was told that the lock's owner had died";
  }
  return n > 1 ? "two have the lock" : NULL;
}

static bool good(const void *state) {
  const State *s = state;
  for (int p = 0; p < PROCESSES; p++)
    if (s->pc[p] != DONE && s->pc[p] != DEAD) return false;
  return true;
}

static bool asked(const void *state) { return ((const State *)state)->deaths == DEATHS; }

static void print(const void *state) {
  const State *s = state;
  for (int p = 0; p < PROCESSES; p++) printf("pc %d place %d, ", s->pc[p], s->place[p]);
  printf("word %x, guard %d", s->word, s->guard);
}

int main(void) {
  static const ReachModel model = {sizeof(State), expand, wrong, good, asked, print};
  State first;
  memset(&first, 0, sizeof first);
  reach_run(&model, &first, "whoever is killed wherever, one has the lock, learns of deaths, and nobody waits for ever");
}
