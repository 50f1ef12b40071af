/* Handles of shared objects: making, sending, attaching and dropping them. Who holds what: object.h, held.h. */
#ifndef GILUA_RUNTIME_SHARED_HANDLE_H
#define GILUA_RUNTIME_SHARED_HANDLE_H

#include "runtime/shared/object.h"

/* A handle. Of one runtime; needs its lock, like a Lua value. */
typedef struct Shared {
  Arena *arena;         /* NULL: none, or closed */
  SharedObject *object;
  uint32_t serial;
  SharedId holder;      /* the process for which it is a hold */
  unsigned users;       /* calls of the holder's threads that work with it, without the interpreter lock at times */
  atomic_bool closing;  /* [a] closed, but for its users: they end soon, and the last drops it; seq_cst: waiters look at it */
  _Atomic int spins;    /* [a] of waits by this handle: so many more may spin in vain, < 0: so many do not spin; relaxed */
} Shared;

/* What a message carries. */
typedef struct SharedName {
  uint64_t nonce;
  int pid, fd;
  uint32_t index, serial, kind, flight;
} SharedName;

/* shared_new makes n objects (1, or 2: peers) of that kind and size, held by the calling process. 0 or an errno. */
int shared_new(Shared *out, int n, SharedKind kind, size_t size);

/* These take the guard of an arena, which a process that stands still may have. They wait for it for seconds, without the
 * interpreter lock, which the calling thread has; for some ms with it where waits are forbidden. */

/* shared_name says how another process finds s, and begins a flight. 0 or an errno. shared_carry gives the flight to another
 * carrier; false: it could not. shared_land ends a flight that nobody took, if not now then later. */
int shared_name(Shared *s, SharedName *name);
bool shared_carry(Arena *a, uint32_t flight, uint64_t carrier);
void shared_land(Arena *a, uint32_t flight);

/* shared_attach makes a handle; 0 or an errno, ENOENT: it is gone. */
int shared_attach(Shared *s, const SharedName *name);

/* shared_usable makes an inherited handle a hold of this process; false: the object is gone, or the handle was closed. */
bool shared_adopt(Shared *s);
static inline bool shared_usable(Shared *s) {
  return s->arena != NULL && !atomic_load_explicit(&s->closing, memory_order_relaxed) &&
         (s->holder == shared_self() || shared_adopt(s));
}

/* shared_drop gives a handle up, if not now then later. Who waits at the other end of a Pipe is to look then: tell(that end) is
 * called, perhaps with the arena's guard. */
void shared_drop(Shared *s, void (*tell)(SharedObject *peer));

/* shared_held tells whether the object i of s's arena is held by somebody, in a look also whether they are alive. What this
 * process only inherited does not count. Waits for some ms at the most; does not leave the interpreter lock. */
bool shared_held(const Shared *s, uint32_t i, bool look);

/* shared_alone tells whether certainly no other process has s, or could get it from a message. As shared_held. */
bool shared_alone(const Shared *s);

/* shared_settle does what was left for later, if the guard can be had within some ms. */
void shared_settle(Arena *a);

/* shared_inherit is for a zygote that was forked for one process: it holds what its parent held. */
void shared_inherit(void);

#endif
