/* See handle.h. */
#include "runtime/shared/handle.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/shared/flight.h"
#include "runtime/shared/held.h"
#include "runtime/state/finalizer.h"
#include "runtime/sync/blocking.h"

/* A process that stands still may have the guard: nobody waits for it for ever. */
static const int64_t patience_ns = 5000000000;

static const int64_t brief_ns = 2 * GUARD_LOOK_NS; /* a dead owner is noticed in that time */

static bool enter(Arena *a) {
  Tstate *ts = tstate_self();
  if (arena_try(a)) return true;
  if (ts == NULL || ts->blocking > 0 || waits_forbidden(ts)) return arena_enter(a, clock_ns() + brief_ns, NULL);
  blocking_begin_wait(ts, "shared memory");
  bool entered = arena_enter(a, clock_ns() + patience_ns, NULL);
  blocking_end(ts);
  return entered;
}

static int join(Arena *a) {
  arena_on_sweep(held_sweep);
  return arena_join(a) ? 0 : EUSERS;
}

static void hold(Arena *a, SharedObject *o, Shared *s) {
  held_set(o->holds, a->member, true);
  a->handles[o->index]++;
  *s = (Shared){.arena = a, .object = o, .serial = o->serial, .holder = a->self};
}

static int make(Arena *a, Shared *out, int n, SharedKind kind, size_t size) {
  uint32_t index[2] = {0, 0};
  for (int i = 0; i < n; i++) {
    index[i] = arena_alloc(a, size);
    if (index[i] != 0) continue;
    if (i > 0) arena_free(a, index[0]);
    return ENOSPC;
  }
  for (int i = 0; i < n; i++) {
    SharedObject *o = shared_at(a, index[i]);
    memset(o, 0, size);
    o->index = index[i];
    o->peer = n == 2 ? index[1 - i] : 0;
    o->serial = ++a->head->serial & 0x7fffffff;
    hold(a, o, &out[i]);
  }
  for (int i = 0; i < n; i++) {
    arena_give(a, index[i], extent_of_object(index[i]));
    atomic_store_explicit(&out[i].object->kind, kind, memory_order_release);
  }
  return 0;
}

int shared_new(Shared *out, int n, SharedKind kind, size_t size) {
  Arena *a = arena_own();
  if (a == NULL) return errno;
  if (!enter(a)) return EBUSY;
  int err = join(a);
  if (err == 0) err = make(a, out, n, kind, size);
  arena_leave(a);
  return err;
}

/* The object of that name, or NULL. With the guard. */
static SharedObject *find(Arena *a, uint32_t index, uint32_t serial) {
  SharedObject *o = held_object(a, index);
  return o != NULL && o->serial == serial ? o : NULL;
}

/* The interpreter lock may have been left meanwhile, and the handle closed. */
int shared_name(Shared *s, SharedName *name) {
  Arena *a = s->arena;
  SharedObject *o = s->object;
  if (!enter(a)) return EBUSY;
  int err = s->arena != NULL && find(a, o->index, s->serial) == o ? 0 : ENOENT;
  if (err == 0) {
    uint32_t flight = flight_begin(a, o->index, shared_self());
    if (flight == 0 && o->kind == SHARED_PIPE_END) o->lost++; /* nobody can tell any more when it lands */
    *name = (SharedName){a->head->nonce, getpid(), a->fd, o->index, o->serial, o->kind, flight};
  }
  arena_leave(a);
  return err;
}

bool shared_carry(Arena *a, uint32_t flight, uint64_t carrier) {
  if (!enter(a)) return false;
  Flight *f = flight_find(a, flight);
  if (f != NULL) atomic_store_explicit(&f->carrier, carrier, memory_order_release);
  arena_leave(a);
  return true;
}

/* What is done later. */
typedef struct LaterLanding {
  ArenaLater later;
  uint32_t flight;
  SharedId of; /* a process that was forked meanwhile has a copy */
} LaterLanding;

static void land_later(Arena *a, ArenaLater *l) {
  LaterLanding *landing = (LaterLanding *)l;
  if (landing->of == shared_self()) held_land(a, landing->flight);
  free(l);
}

void shared_land(Arena *a, uint32_t flight) {
  if (enter(a)) {
    held_land(a, flight);
    arena_leave(a);
    return;
  }
  LaterLanding *l = malloc(sizeof *l);
  if (l == NULL) return; /* it lands when this process ends */
  *l = (LaterLanding){{.run = land_later}, flight, shared_self()};
  arena_later(a, &l->later);
}

int shared_attach(Shared *s, const SharedName *name) {
  Arena *a = arena_open(name->nonce, name->pid, name->fd);
  if (a == NULL) return errno != 0 ? errno : ENOENT;
  if (!enter(a)) return EBUSY;
  int err = join(a);
  SharedObject *o = err == 0 ? find(a, name->index, name->serial) : NULL;
  if (err == 0 && (o == NULL || o->kind != name->kind)) err = ENOENT;
  if (err == 0) {
    hold(a, o, s);
    held_land(a, name->flight);
  }
  arena_leave(a);
  return err;
}

bool shared_adopt(Shared *s) {
  Arena *a = s->arena;
  uint32_t index = s->object->index;
  if (!enter(a)) return false;
  SharedObject *o = s->arena != NULL && join(a) == 0 ? find(a, index, s->serial) : NULL;
  if (o == s->object && s->holder != shared_self()) {
    held_set(o->holds, a->member, true);
    s->holder = a->self;
    s->users = 0; /* those of the process that this one was forked from */
  }
  arena_leave(a);
  return s->arena != NULL && s->holder == shared_self();
}

typedef struct LaterDrop {
  ArenaLater later;
  Shared s;
  void (*tell)(SharedObject *peer);
} LaterDrop;

/* With the guard. Returns whom to tell. */
static SharedObject *drop(Arena *a, const Shared *s) {
  SharedObject *o = s->object, *peer = NULL;
  bool last = a->handles[o->index] > 0 && --a->handles[o->index] == 0, same = o->serial == s->serial;
  if (!last || !same) return NULL;
  if (a->zygote >= 0) held_set(o->inherited, (unsigned)a->zygote, false); /* it speaks for nobody else */
  else if (s->holder != shared_self()) return NULL;
  if (a->self == shared_self()) held_set(o->holds, a->member, false);
  if (o->peer != 0 && !held_reached(a, o, -1, false)) peer = shared_at(a, o->peer);
  if (peer != NULL && !held_reached(a, peer, -1, false)) peer = NULL;
  held_free(a, o);
  return peer;
}

static void drop_later(Arena *a, ArenaLater *l) {
  LaterDrop *later = (LaterDrop *)l;
  SharedObject *peer = drop(a, &later->s);
  if (peer != NULL) later->tell(peer);
  free(l);
}

/* The handle is given up before the interpreter lock may be left: by one thread. */
void shared_drop(Shared *s, void (*tell)(SharedObject *peer)) {
  Arena *a = s->arena;
  Shared was = *s;
  if (a == NULL) return;
  s->arena = NULL;
  if (enter(a)) {
    SharedObject *peer = drop(a, &was);
    arena_leave(a);
    if (peer != NULL) tell(peer);
    return;
  }
  LaterDrop *l = malloc(sizeof *l);
  if (l == NULL) return; /* it is held until this process ends */
  *l = (LaterDrop){{.run = drop_later}, was, tell};
  arena_later(a, &l->later);
}

/* Between two holds an object may be in flight, or change from a flight to a hold: only the guard tells for certain. */
bool shared_held(const Shared *s, uint32_t i, bool look) {
  Arena *a = s->arena;
  SharedObject *o = shared_at(a, i);
  if (held_has_bits(a, o, a->zygote, look)) return true;
  if (!arena_enter(a, clock_ns() + (look ? brief_ns : 0), NULL)) return true;
  bool held = held_reached(a, o, a->zygote, look);
  arena_leave(a);
  return held;
}

bool shared_alone(const Shared *s) {
  Arena *a = s->arena;
  if (a == NULL || !arena_enter(a, clock_ns() + brief_ns, NULL)) return false;
  SharedObject *o = find(a, s->object->index, s->serial);
  bool alone = o != NULL && a->self == shared_self() && held_only(a, o, a->member, a->zygote) &&
               (o->peer == 0 || held_only(a, shared_at(a, o->peer), a->member, a->zygote));
  arena_leave(a);
  return alone;
}

void shared_settle(Arena *a) {
  if (arena_has_later(a) && arena_enter(a, clock_ns() + brief_ns, NULL)) arena_leave(a);
}

static void inherit(Arena *a) {
  uint32_t n = atomic_load_explicit(&a->head->count, memory_order_relaxed);
  if (join(a) != 0) return;
  a->zygote = (int)a->member;
  for (uint32_t i = 1; i <= n; i++)
    if (a->handles[i] > 0 && held_object(a, i) != NULL) held_set(shared_at(a, i)->inherited, a->member, true);
}

void shared_inherit(void) {
  for (Arena *a = arena_first(); a != NULL; a = a->next) {
    if (!arena_enter(a, clock_ns() + patience_ns, NULL)) continue;
    inherit(a);
    arena_leave(a);
  }
}
