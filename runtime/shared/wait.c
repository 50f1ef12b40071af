/* See wait.h. */
#include "runtime/shared/wait.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/wait.h>

#include "runtime/os/futex.h"
#include "runtime/os/os.h"
#include "runtime/state/finalizer.h"
#include "runtime/sync/blocking.h"
#include "runtime/sync/deadlock.h"

/* How long a waiter stays awake: a process on another core answers in less, and waking an idle one takes longer. */
static const int64_t spin_ns = 20000;
enum { SPINS_IN_VAIN = 4, NO_SPINS = 200 };

static const int64_t crowd_ns = 5000000; /* who finds no place looks this often */

#define FOR_EACH(p, i)                                  \
  for (unsigned word_ = 0; word_ < WAIT_WORDS; word_++) \
    for (uint64_t bits_ = (p)->used[word_]; bits_ != 0; bits_ &= bits_ - 1) \
      for (unsigned i = word_ * 64 + (unsigned)__builtin_ctzll(bits_), once_ = 1; once_ != 0; once_ = 0)

static uint32_t state_of(Place *place) { return atomic_load_explicit(&place->state, memory_order_acquire); }

static void unmark(Places *p, unsigned i) { p->used[i / 64] &= ~((uint64_t)1 << (i % 64)); }

bool places_any(const Places *p) { return (p->used[0] | p->used[1]) != 0; }

/* Those that were left without the guard are unmarked. */
Place *places_first(Places *p, uint32_t group) {
  Place *first = NULL;
  FOR_EACH(p, i) {
    Place *x = &p->places[i];
    uint32_t state = state_of(x);
    if (state == PLACE_FREE) unmark(p, i);
    if (x->group != group || (state != PLACE_WAITING && state != PLACE_ASLEEP)) continue;
    if (first == NULL || (int32_t)(x->number - first->number) < 0) first = x;
  }
  return first;
}

/* False: its thread has left it meanwhile, without the guard. */
static bool grant(Places *p, Place *x, Woken *woken) {
  unsigned i = (unsigned)(x - p->places);
  uint32_t state = state_of(x);
  x->told = p->last;
  while (state != PLACE_FREE && !atomic_compare_exchange_weak_explicit(&x->state, &state, PLACE_GRANTED, memory_order_acq_rel,
                                                                       memory_order_relaxed))
    continue;
  if (state == PLACE_ASLEEP) woken->places[i / 64] |= (uint64_t)1 << (i % 64);
  return state != PLACE_FREE;
}

unsigned places_grant(Places *p, uint32_t group, unsigned n, Woken *woken) {
  unsigned told = 0;
  if (!places_any(p)) return 0;
  for (Place *x; told < n && (x = places_first(p, group)) != NULL;) told += grant(p, x, woken);
  return told;
}

void places_pass(Places *p, uint32_t group, uint32_t told, Woken *woken) {
  Place *x; /* the first has the least number */
  while ((x = places_first(p, group)) != NULL && (int32_t)(x->number - told) <= 0 && !grant(p, x, woken)) continue;
}

static void wake(Places *p, Woken *woken) {
  for (unsigned w = 0; w < WAIT_WORDS; w++)
    for (uint64_t bits = woken->places[w]; bits != 0; bits &= bits - 1)
      futex_wake_shared(&p->places[w * 64 + (unsigned)__builtin_ctzll(bits)].state, 1);
  *woken = (Woken){{0}};
}

void places_wake_all(Places *p) {
  for (unsigned i = 0; i < WAIT_PLACES; i++) {
    uint32_t asleep = PLACE_ASLEEP;
    if (atomic_compare_exchange_strong(&p->places[i].state, &asleep, PLACE_WAITING))
      futex_wake_shared(&p->places[i].state, 1);
  }
}

void shared_leave(Shared *s, Places *places, Woken *woken) {
  guard_leave(&s->object->guard);
  if (woken != NULL) wake(places, woken);
}

static void free_place(Places *p, int i) {
  atomic_store_explicit(&p->places[i].state, PLACE_FREE, memory_order_release);
  unmark(p, (unsigned)i);
}

/* Places of the dead. */
static void sweep(Places *p) {
  SharedId alive = shared_self();
  FOR_EACH(p, i) {
    SharedId id = atomic_load_explicit(&p->places[i].id, memory_order_relaxed);
    if (id == alive) continue;
    if (shared_alive(id)) alive = id;
    else free_place(p, (int)i);
  }
}

/* One that was left without the guard is still marked as used. */
static int find_place(Places *p) {
  for (int w = 0; w < WAIT_WORDS; w++)
    if (~p->used[w] != 0) return w * 64 + __builtin_ctzll(~p->used[w]);
  for (int i = 0; i < WAIT_PLACES; i++)
    if (state_of(&p->places[i]) == PLACE_FREE) return i;
  return -1;
}

static void take_place(SharedWait *w) {
  Places *p = w->places;
  int i = find_place(p);
  if (i < 0) {
    sweep(p);
    i = find_place(p);
  }
  w->place = i;
  if (i < 0) return;
  Place *x = &p->places[i];
  atomic_store_explicit(&x->id, shared_self(), memory_order_relaxed);
  if (!w->numbered) w->number = ++p->last;
  w->numbered = true;
  x->number = w->number;
  x->group = w->group;
  x->since = clock_ns();
  atomic_store_explicit(&x->state, PLACE_WAITING, memory_order_relaxed);
  p->used[i / 64] |= (uint64_t)1 << (i % 64);
}

static bool is_granted(const SharedWait *w) {
  return w->place >= 0 && state_of(&w->places->places[w->place]) == PLACE_GRANTED;
}

/* Leaves its place; what it was told of is for the next one, unless it has it. */
static void leave_place(SharedWait *w, bool done) {
  if (w->place < 0) return;
  bool told = is_granted(w);
  w->told = w->places->places[w->place].told;
  free_place(w->places, w->place);
  w->place = -1;
  if (told && !done) places_pass(w->places, w->group, w->told, &w->woken);
}

/* Leaves it without the guard. What it was told meanwhile it has, if it stands; else that was a hint. Returns whether it has. */
static bool drop_place(SharedWait *w) {
  if (w->place < 0) return false;
  Place *x = &w->places->places[w->place];
  uint32_t state = state_of(x);
  while (state != PLACE_GRANTED && !atomic_compare_exchange_weak(&x->state, &state, PLACE_FREE)) continue;
  bool told = state == PLACE_GRANTED;
  w->told = x->told;
  if (told) atomic_store_explicit(&x->state, PLACE_FREE, memory_order_release);
  w->place = -1;
  return told && w->stands;
}

static bool stopped(SharedWait *w) { return atomic_load(&w->stop) || atomic_load(&w->handle->closing); }

static bool late(SharedWait *w) { return atomic_load(&w->handle->closing) || clock_ns() >= w->deadline; }

static bool over(SharedWait *w) { return stopped(w) || clock_ns() >= w->deadline; }

/* Spinning that is in vain takes the processor from the one that is waited for: then it is tried now and then only. */
static bool may_spin(SharedWait *w) {
  int spins = atomic_load_explicit(&w->handle->spins, memory_order_relaxed);
  if (spins < 0) atomic_store_explicit(&w->handle->spins, spins + 1, memory_order_relaxed);
  return spins >= 0 && os_cpus() > 1;
}

static void spin(SharedWait *w, Place *x) {
  if (!may_spin(w)) return;
  int spins = atomic_load_explicit(&w->handle->spins, memory_order_relaxed);
  for (int64_t until = clock_ns() + spin_ns; state_of(x) == PLACE_WAITING && clock_ns() < until;)
    for (int i = 0; i < 30 && state_of(x) == PLACE_WAITING; i++) os_pause();
  bool paid = state_of(x) != PLACE_WAITING;
  atomic_store_explicit(&w->handle->spins, paid ? SPINS_IN_VAIN : spins > 0 ? spins - 1 : -NO_SPINS, memory_order_relaxed);
}

/* Until it is granted, or over, or time to look; true in the last case. */
static bool sleep_once(SharedWait *w) {
  _Atomic uint32_t nobody = 0; /* a word that nobody changes */
  bool placed = w->place >= 0;
  Place *x = placed ? &w->places->places[w->place] : NULL;
  int64_t until = clock_ns() + (placed ? SHARED_LOOK_NS : crowd_ns);
  bool last = w->deadline <= until;
  if (last) until = w->deadline;
  if (!placed) {
    futex_wait_shared(&nobody, 0, until);
    return true;
  }
  spin(w, x);
  uint32_t waiting = PLACE_WAITING;
  if (!atomic_compare_exchange_strong(&x->state, &waiting, PLACE_ASLEEP)) return false;
  bool in_time = true;
  while (in_time && state_of(x) == PLACE_ASLEEP && !stopped(w))
    in_time = futex_wait_shared(&x->state, PLACE_ASLEEP, until);
  uint32_t asleep = PLACE_ASLEEP;
  atomic_compare_exchange_strong(&x->state, &asleep, PLACE_WAITING);
  return !in_time;
}

/* The last look at the end of a wait is a short one: somebody who stands still may have the guard. */
static GuardResult enter(SharedWait *w) {
  bool last = over(w);
  int64_t deadline = last ? clock_ns() + GUARD_LOOK_NS : w->deadline;
  GuardResult result = guard_wait(&w->handle->object->guard, deadline, last ? NULL : &w->stop);
  if (result == GUARD_ABANDONED && w->recover != NULL) w->recover(w->handle);
  return result;
}

static bool try_now(SharedWait *w, bool look) {
  w->granted = is_granted(w);
  if (w->try(w, look)) return true;
  if (w->granted) atomic_store_explicit(&w->places->places[w->place].state, PLACE_WAITING, memory_order_relaxed);
  return false;
}

/* Could it be that this wait never ends? It has lasted long enough for a Ctrl-C that was on its way. */
static bool seems_stuck(const SharedWait *w) {
  return w->deadline == CLOCK_NEVER && !w->shielded && clock_ns() - w->began > DEADLOCK_GRACE_NS && shared_alone(w->handle);
}

/* Without the interpreter lock. A wait that stands and was only stopped keeps its place. */
static void wait_outside(void *arg) {
  SharedWait *w = arg;
  bool done = false, look = false, ends = false;
  while (!done && !ends) {
    bool last = over(w);
    if (enter(w) == GUARD_BUSY) {
      ends = last;
      continue;
    }
    done = !stopped(w) && try_now(w, look); /* whoever is to raise something takes nothing */
    ends = over(w);
    if (done || (ends && (!w->stands || late(w)))) leave_place(w, done);
    else if (!ends && w->place < 0) take_place(w);
    w->full = !done && !ends && w->place < 0;
    ends |= w->full && w->bound;
    shared_leave(w->handle, w->places, &w->woken);
    if (!done && !ends && w->place >= 0 && w->placed != NULL) {
      w->placed(w);
      w->placed = NULL;
    }
    if (!done && !ends) look = sleep_once(w);
    if (look) shared_settle(w->handle->arena);
    ends = look && !done && !ends ? (w->stuck = seems_stuck(w)) : ends;
  }
  if (!w->stands || late(w)) done |= drop_place(w); /* somebody stands still with the guard */
  w->granted = done;
}

/* The nudger's part. */
static void stop(void *arg) {
  SharedWait *w = arg;
  atomic_store(&w->stop, true);
  int place = w->place;
  uint32_t asleep = PLACE_ASLEEP;
  if (place >= 0 && atomic_compare_exchange_strong(&w->places->places[place].state, &asleep, PLACE_WAITING))
    futex_wake_shared(&w->places->places[place].state, 1);
  guard_poke(&w->handle->object->guard);
}

/* With the interpreter lock, if that needs no sleep. */
static bool try_here(SharedWait *w) {
  Shared *s = w->handle;
  if (!guard_try(&s->object->guard)) return false;
  bool done = w->try(w, false);
  shared_leave(s, w->places, &w->woken);
  return done;
}

/* A call that does not wait looks once more, also at who is alive. */
static ParkResult look_here(SharedWait *w) {
  w->deadline = clock_ns() + 2 * GUARD_LOOK_NS;
  if (enter(w) == GUARD_BUSY) return PARK_TIMEOUT;
  bool done = w->try(w, true);
  shared_leave(w->handle, w->places, &w->woken);
  return done ? PARK_GRANTED : PARK_TIMEOUT;
}

/* It got it without the interpreter lock; whoever had that may have asked it to raise something before it came back. */
static bool is_kept(Tstate *ts, SharedWait *w) {
  return w->shielded || w->give_back == NULL || request_serve(ts) || !w->give_back(ts, w);
}

/* Children could have inherited the memory without a hold of their own. */
static bool has_children(void) {
  siginfo_t child;
  return waitid(P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD;
}

/* With the interpreter lock nobody of this process does anything meanwhile. Returns whether the wait has ended. */
static bool end_if_stuck(Tstate *ts, SharedWait *w, ParkResult *result) {
  if (!shared_alone(w->handle) || has_children() || !guard_try(&w->handle->object->guard)) return false;
  w->outside = false;
  bool done = w->try(w, false);
  w->outside = true;
  shared_leave(w->handle, w->places, &w->woken);
  if (!done && (request_stops(ts) || !deadlock_alone(ts, w->what))) return false;
  *result = drop_place(w) || done ? PARK_GRANTED : PARK_DEADLOCK;
  return true;
}

static void wait_once(Tstate *ts, SharedWait *w) {
  ts->doing_owner = w->owner;
  if (w->shielded) blocking_shielded_call(ts, w->what, wait_outside, w, stop, w);
  else blocking_wait_call(ts, w->what, wait_outside, w, stop, w);
  ts->doing_owner = NULL;
}

ParkResult shared_wait(Tstate *ts, SharedWait *w) {
  ParkResult result;
  w->place = -1;
  w->granted = w->numbered = w->outside = w->stuck = false;
  atomic_store(&w->stop, false);
  if (try_here(w)) return PARK_GRANTED;
  w->outside = true;
  w->began = clock_ns();
  if (w->deadline <= 0) return look_here(w);
  if (waits_forbidden(ts)) return PARK_FORBIDDEN;
  w->deadline = park_real(ts, w->deadline);
  for (;;) {
    wait_once(ts, w);
    if (w->granted) return is_kept(ts, w) ? PARK_GRANTED : PARK_REQUESTED;
    if (w->full && w->bound) return PARK_FORBIDDEN;
    if (!request_serve(ts) && !w->shielded) return drop_place(w) ? PARK_GRANTED : PARK_REQUESTED;
    if (w->stuck && end_if_stuck(ts, w, &result)) return result;
    if (late(w)) return drop_place(w) ? PARK_GRANTED : PARK_TIMEOUT;
    atomic_store(&w->stop, false);
    w->stuck = false;
  }
}

typedef struct Entering {
  Shared *s;
  void (*recover)(Shared *s);
  int64_t deadline;
  GuardResult result;
  atomic_bool stop;
} Entering;

static void enter_outside(void *arg) {
  Entering *e = arg;
  e->result = guard_wait(&e->s->object->guard, e->deadline, &e->stop);
  if (e->result == GUARD_ABANDONED && e->recover != NULL) e->recover(e->s);
}

static void stop_entering(void *arg) {
  Entering *e = arg;
  atomic_store(&e->stop, true);
  guard_poke(&e->s->object->guard);
}

static void enter_once(Tstate *ts, Entering *e, bool shielded) {
  atomic_store(&e->stop, false);
  e->result = GUARD_BUSY;
  if (waits_forbidden(ts)) enter_outside(e);
  else blocking_wait_call(ts, "shared memory", enter_outside, e, shielded ? NULL : stop_entering, e);
}

bool shared_enter_soon(Tstate *ts, Shared *s, int64_t deadline) {
  Entering e = {.s = s, .deadline = deadline};
  if (guard_try(&s->object->guard)) return true;
  enter_once(ts, &e, true);
  return e.result != GUARD_BUSY;
}

ParkResult shared_enter(Tstate *ts, Shared *s, void (*recover)(Shared *s)) {
  Entering e = {.s = s, .recover = recover, .deadline = clock_ns() + ENTER_NS};
  if (guard_try(&s->object->guard)) return PARK_GRANTED;
  enter_once(ts, &e, true);
  e.deadline = CLOCK_NEVER;
  while (e.result == GUARD_BUSY) {
    enter_once(ts, &e, false);
    if (e.result == GUARD_BUSY && !request_serve(ts)) return PARK_REQUESTED;
  }
  return PARK_GRANTED;
}
