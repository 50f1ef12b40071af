/* The lock of one object in shared memory, held for some hundred instructions by a process that may die in them.
 *
 * States of the word   0            free
 *                      id           held by a thread of that process
 *                      id | WAITED  the same, and somebody may sleep on the low half
 *
 * Transitions              who                                              order
 *   0 -> id                guard_try                                        acquire
 *   id -> id | WAITED      guard_wait, about to sleep                       relaxed
 *   0 -> id | WAITED       guard_wait, that has slept: others may, too      acquire
 *   dead -> id | WAITED    guard_wait: it must recover before anything else acquire
 *   id … -> 0              guard_leave                                      release
 *
 * A death between the release and the wake leaves sleepers behind: none sleeps for more than GUARD_LOOK_NS, then it looks,
 * also whether the owner lives. That is the only way of noticing, and it needs no thread, descriptor or list of the kernel.
 *
 * What a guard protects changes by one store: what a dead owner left is as before its change or as after it. Only what can
 * be found anew (lists of free memory, memory that nobody refers to) is left to whoever recovers.
 *
 * Lock order: the guard of an object -> the guard of its arena. No Lua, no memory of Lua, no wait under one.
 */
#ifndef GILUA_RUNTIME_SHARED_GUARD_H
#define GILUA_RUNTIME_SHARED_GUARD_H

#include "runtime/os/clock.h"
#include "runtime/shared/self.h"

typedef _Atomic uint64_t Guard;

static const int64_t GUARD_LOOK_NS = 10000000;

typedef enum GuardResult {
  GUARD_BUSY,     /* not taken: held, or late, or stopped */
  GUARD_TAKEN,
  GUARD_ABANDONED /* taken from a dead process: recover */
} GuardResult;

/* guard_try takes it if it is free within some microseconds. */
bool guard_try(Guard *g);

/* guard_wait waits for it until the deadline, or until *stop, looked at whenever it wakes. */
GuardResult guard_wait(Guard *g, int64_t deadline, const atomic_bool *stop);

void guard_leave(Guard *g);

/* guard_poke makes those who sleep for it look at their *stop. */
void guard_poke(Guard *g);

/* guard_held tells whether this process holds it: for asserts. */
static inline bool guard_held(const Guard *g) {
  return (atomic_load_explicit(g, memory_order_relaxed) & ~SHARED_WAITED) == shared_self();
}

#endif
