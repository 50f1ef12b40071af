/* See object.h. */
#include "runtime/shared/object.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

/* A process that stands still may have the guard: nobody waits for it for ever. */
static const int64_t patience_ns = 5000000000;

static bool enter(Arena *a) { return arena_enter(a, clock_ns() + patience_ns, NULL); }

static void set(_Atomic uint64_t *bits, unsigned member, bool on) {
  uint64_t bit = (uint64_t)1 << (member % 64), was = atomic_load_explicit(&bits[member / 64], memory_order_relaxed);
  atomic_store_explicit(&bits[member / 64], on ? was | bit : was & ~bit, memory_order_release);
}

static bool any(_Atomic uint64_t *bits) {
  for (int i = 0; i < HOLD_WORDS; i++)
    if (atomic_load_explicit(&bits[i], memory_order_relaxed) != 0) return true;
  return false;
}

static bool flies(SharedObject *o) {
  for (int i = 0; i < FLIGHTS; i++)
    if (atomic_load_explicit(&o->flights[i], memory_order_relaxed) != 0) return true;
  return o->lost != 0;
}

static bool held(SharedObject *o) { return any(o->holds) || any(o->inherited) || flies(o); }

/* Frees o and what belongs to it, if nobody holds it nor its peer. A death amid this leaves an object that nobody can reach,
 * and parts of it, until the arena ends. */
static void free_if_unheld(Arena *a, SharedObject *o) {
  if (held(o)) return;
  SharedObject *peer = o->peer != 0 ? shared_at(a, o->peer) : NULL;
  if (peer != NULL && held(peer)) return;
  uint32_t first = o->index, second = o->peer, n = atomic_load_explicit(&a->head->count, memory_order_relaxed);
  atomic_store_explicit(&o->kind, SHARED_NONE, memory_order_release);
  if (peer != NULL) atomic_store_explicit(&peer->kind, SHARED_NONE, memory_order_release);
  for (uint32_t i = 1; i <= n; i++) {
    uint64_t owner = atomic_load_explicit(&a->extents[i].owner, memory_order_relaxed);
    if (owner == extent_of_object(first) || (second != 0 && owner == extent_of_object(second))) arena_free(a, i);
  }
}

/* Is the extent i an object? An object's extent is its own. */
static SharedObject *object_at(Arena *a, uint32_t i) {
  if (atomic_load_explicit(&a->extents[i].owner, memory_order_relaxed) != extent_of_object(i)) return NULL;
  SharedObject *o = shared_at(a, i);
  return atomic_load_explicit(&o->kind, memory_order_relaxed) != SHARED_NONE ? o : NULL;
}

static bool has(_Atomic uint64_t *bits, unsigned member) {
  return (atomic_load_explicit(&bits[member / 64], memory_order_relaxed) >> (member % 64) & 1) != 0;
}

static void sweep_member(Arena *a, unsigned member) {
  uint32_t n = atomic_load_explicit(&a->head->count, memory_order_relaxed);
  for (uint32_t i = 1; i <= n; i++) {
    SharedObject *o = object_at(a, i);
    if (o == NULL || (!has(o->holds, member) && !has(o->inherited, member))) continue;
    set(o->holds, member, false);
    set(o->inherited, member, false);
    free_if_unheld(a, o);
  }
}

static int join(Arena *a) {
  arena_on_sweep(sweep_member);
  return arena_join(a) ? 0 : EUSERS;
}

static void hold(Arena *a, SharedObject *o, Shared *s) {
  set(o->holds, a->member, true);
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
  if (index == 0 || index > atomic_load_explicit(&a->head->count, memory_order_relaxed)) return NULL;
  SharedObject *o = object_at(a, index);
  return o != NULL && o->serial == serial ? o : NULL;
}

int shared_name(Shared *s, SharedName *name) {
  Arena *a = s->arena;
  SharedObject *o = s->object;
  if (!enter(a)) return EBUSY;
  uint32_t flight = ++a->head->serial & 0x7fffffff;
  int i = 0;
  while (i < FLIGHTS && atomic_load_explicit(&o->flights[i], memory_order_relaxed) != 0) i++;
  if (i < FLIGHTS) atomic_store_explicit(&o->flights[i], flight, memory_order_release);
  else if (o->kind == SHARED_PIPE_END) o->lost++; /* nobody can tell any more when it lands */
  *name = (SharedName){a->head->nonce, getpid(), a->fd, o->index, o->serial, o->kind, i < FLIGHTS ? flight : 0};
  arena_leave(a);
  return 0;
}

static void land(SharedObject *o, uint32_t flight) {
  for (int i = 0; i < FLIGHTS; i++)
    if (flight != 0 && atomic_load_explicit(&o->flights[i], memory_order_relaxed) == flight)
      atomic_store_explicit(&o->flights[i], 0, memory_order_release);
}

void shared_land(uint64_t nonce, uint32_t index, uint32_t serial, uint32_t flight) {
  Arena *a = arena_first();
  while (a != NULL && a->head->nonce != nonce) a = a->next;
  if (a == NULL || !enter(a)) return;
  SharedObject *o = find(a, index, serial);
  if (o != NULL) {
    land(o, flight);
    free_if_unheld(a, o);
  }
  arena_leave(a);
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
    land(o, name->flight);
  }
  arena_leave(a);
  return err;
}

bool shared_adopt(Shared *s) {
  Arena *a = s->arena;
  if (!enter(a)) return false;
  SharedObject *o = join(a) == 0 ? find(a, s->object->index, s->serial) : NULL;
  if (o == s->object) {
    set(o->holds, a->member, true);
    s->holder = a->self;
    s->users = 0; /* those of the process that this one was forked from */
  }
  arena_leave(a);
  return s->holder == shared_self();
}

SharedObject *shared_drop(Shared *s) {
  Arena *a = s->arena;
  SharedObject *o = s->object, *peer = NULL;
  if (a == NULL || !enter(a)) return NULL;
  s->arena = NULL;
  bool last = a->handles[o->index] > 0 && --a->handles[o->index] == 0, same = o->serial == s->serial;
  if (last && same && a->zygote >= 0) set(o->inherited, (unsigned)a->zygote, false); /* it speaks for nobody else */
  if (last && same && (s->holder == shared_self() || a->zygote >= 0)) {
    if (a->self == shared_self()) set(o->holds, a->member, false);
    if (!held(o) && o->peer != 0 && held(shared_at(a, o->peer))) peer = shared_at(a, o->peer);
    free_if_unheld(a, o);
  }
  arena_leave(a);
  return peer;
}

static bool counts(const Arena *a, _Atomic uint64_t *bits, int but, bool look) {
  for (unsigned i = 0; i < HOLD_WORDS; i++) {
    uint64_t word = atomic_load_explicit(&bits[i], memory_order_acquire);
    for (; word != 0; word &= word - 1) {
      unsigned member = i * 64 + (unsigned)__builtin_ctzll(word);
      if ((int)member != but && (!look || arena_member_alive((Arena *)a, member))) return true;
    }
  }
  return false;
}

bool shared_held(const Shared *s, uint32_t i, bool look) {
  SharedObject *o = shared_at(s->arena, i);
  return flies(o) || counts(s->arena, o->holds, -1, look) || counts(s->arena, o->inherited, s->arena->zygote, look);
}

static void inherit(Arena *a) {
  uint32_t n = atomic_load_explicit(&a->head->count, memory_order_relaxed);
  if (join(a) != 0) return;
  a->zygote = (int)a->member;
  for (uint32_t i = 1; i <= n; i++)
    if (a->handles[i] > 0 && object_at(a, i) != NULL) set(shared_at(a, i)->inherited, a->member, true);
}

void shared_inherit(void) {
  for (Arena *a = arena_first(); a != NULL; a = a->next) {
    if (!enter(a)) continue;
    inherit(a);
    arena_leave(a);
  }
}
