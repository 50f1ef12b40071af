/* What orders threads, told to who looks for races (runtime/race): nobody does, mostly, and then it is one test.
 *
 * Each object that threads meet at says when a thread leaves something there for whoever comes (a release, a put, a set), and
 * when a thread takes that up (an acquire, a get, a wait that finds it set). What a waker gives to a sleeper is told by park.
 */
#ifndef GILUA_RUNTIME_STATE_ORDER_H
#define GILUA_RUNTIME_STATE_ORDER_H

#include "runtime/state/tstate.h"

/* All are called with the lock, by self, NULL: the state has no runtime any more, or none yet, and one thread; object is an address
 * and never followed. They raise nothing. */
struct Order {
  /* What self did up to now comes before what happens behind a later `acquired` of that object. */
  void (*released)(Order *o, Tstate *self, const void *object);
  void (*acquired)(Order *o, Tstate *self, const void *object);
  /* What self did up to now comes before all that target will do. target does not run: it waits, or was just made. */
  void (*passed)(Order *o, Tstate *self, Tstate *target);
};

static inline bool order_is_told(const Tstate *self) { return self != NULL && self->order != NULL; }

static inline void order_release(Tstate *self, const void *object) {
  if (__builtin_expect(order_is_told(self), 0)) self->order->released(self->order, self, object);
}

static inline void order_acquire(Tstate *self, const void *object) {
  if (__builtin_expect(order_is_told(self), 0)) self->order->acquired(self->order, self, object);
}

/* order_meet is both: all who meet there come one after another. */
static inline void order_meet(Tstate *self, const void *object) {
  order_acquire(self, object);
  order_release(self, object);
}

static inline void order_pass(Tstate *self, Tstate *target) {
  if (__builtin_expect(order_is_told(self), 0)) self->order->passed(self->order, self, target);
}

#endif
