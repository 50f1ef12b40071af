/* Objects in an arena, and who holds them.
 *
 * A process holds an object while it has a handle of it: one bit for each member, so taking and dropping are one store, and
 * the bit of a dead process counts for nothing. An object that nobody holds is freed by whoever drops it last, or sweeps.
 *
 * On its way in a message an object is held by a flight, whose number the message has: flight.h. Whoever attaches ends it; so
 * does the sender, when it drops a message that nobody read.
 *
 * What a forked process has inherited is held by its zygote, in bits of their own: the zygote of a Process speaks for it.
 * A worker's own handle of the object becomes a hold when it is used first.
 *
 * An end of a Pipe has a peer: both are freed together, and "is the other end held by somebody" is the question of `closed`.
 */
#ifndef GILUA_RUNTIME_SHARED_OBJECT_H
#define GILUA_RUNTIME_SHARED_OBJECT_H

#include "runtime/shared/arena.h"

enum { HOLD_WORDS = MOST_MEMBERS / 64 };

typedef enum SharedKind {
  SHARED_NONE,
  SHARED_LOCK,
  SHARED_RLOCK,
  SHARED_CONDITION,
  SHARED_EVENT,
  SHARED_SEMAPHORE,
  SHARED_BOUNDED_SEMAPHORE,
  SHARED_BARRIER,
  SHARED_VALUE,
  SHARED_QUEUE,
  SHARED_JOINABLE_QUEUE,
  SHARED_SIMPLE_QUEUE,
  SHARED_PIPE_END
} SharedKind;

/* Every object begins with this. Zeroed when it is made. */
typedef struct SharedObject {
  Guard guard;            /* of what follows the head */
  _Atomic uint32_t kind;  /* [arena guard] SharedKind; 0: freed */
  uint32_t serial;        /* [i] no two objects of an arena have the same */
  uint32_t index;         /* [i] of its extent */
  uint32_t peer;          /* [i] the other end of a Pipe, 0: none */
  uint32_t lost;          /* [arena guard] flights that found no place: it is held until the arena ends */
  _Atomic uint64_t holds[HOLD_WORDS];     /* [arena guard] by member */
  _Atomic uint64_t inherited[HOLD_WORDS]; /* [arena guard] by member, of zygotes */
} SharedObject;

static inline SharedObject *shared_at(const Arena *a, uint32_t i) { return arena_at(a, i); }

#endif
