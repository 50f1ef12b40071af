/* Park: the one place where a thread of gilua sleeps.
 *
 * Every wait (lock, join, sleep, queue, …) leaves the interpreter lock here, waits for "granted, or deadline, or
 * something to raise", and takes the lock back. So interruption, cancellation, timeouts, tracing and deadlock detection
 * exist once. Whoever grants holds the lock: it takes the waiter out of the queue and marks it, and the waiter runs when
 * its turn for the lock comes. Deadline, request and grant may race; the outcome is what is true once the lock is
 * there, and granted wins over late. A request wins over granted: park_leaves.
 */
#ifndef GILUA_RUNTIME_SYNC_PARK_H
#define GILUA_RUNTIME_SYNC_PARK_H

#include <assert.h>
#include <lua.h>

#include "runtime/os/clock.h"
#include "runtime/state/request.h"
#include "runtime/state/running.h"

typedef enum ParkResult {
  PARK_GRANTED,
  PARK_TIMEOUT,
  PARK_REQUESTED, /* something is to be raised: request_raise */
  PARK_FORBIDDEN, /* waits_forbidden: inside a finalizer nothing waits */
  PARK_DEADLOCK,  /* the wait could never end; park_check raises it */
} ParkResult;

/* park waits in q until park_grant. q may be NULL: only deadline and requests end it. what, a literal, and object say
 * for what, to whoever looks; what begins with the ident of a thread is in deadlock.h. Needs the lock, held by ts, the calling thread; drops it meanwhile. Blocks: to the deadline. */
ParkResult park(Tstate *ts, Waitq *q, int64_t deadline, const char *what, const void *object);

/* park_claim is park for what a waker makes the waiter have: a lock, a permit, an item. While a signal handler runs amid
 * the wait nobody could use that; so the waiter leaves the queue meanwhile, and comes back by claim(ts, w), which takes it
 * if it is there, without waiting, or else to its old place. */
ParkResult park_claim(Tstate *ts, Waitq *q, int64_t deadline, const char *what, const void *object,
                      bool (*claim)(Tstate *self, Waiter *w));

/* park_begin notes that ts begins to wait, for whoever looks; blocking.c, the sleeper on descriptors, uses it, too. */
void park_begin(Tstate *ts, int64_t deadline, const char *what, const void *object);

/* park_grant ends w's wait: it is taken out of its queue and will find PARK_GRANTED. urgent: it now owns a lock, so the
 * granter lets it run at its next safe point. Needs the lock, held by self. */
void park_grant(Tstate *self, Waiter *w, bool urgent);

/* park_move lets w wait in q instead, for something else that it is to have and without deadline or requests: its park returns when it is
 * granted there. So notify does not wake threads that would only wait for the lock. */
void park_move(Waiter *w, Waitq *q, const char *what, const void *object,
               bool (*claim)(Tstate *self, Waiter *w));

/* park_grant_first does that for the first of q and returns its state; NULL if nobody waits. */
Tstate *park_grant_first(Tstate *self, Waitq *q, bool urgent);

/* park_grant_all does it for everybody in q. */
void park_grant_all(Tstate *self, Waitq *q);

/* park_leaves tells whether ts, whose wait was granted, is to raise something now. Such a waiter gives what it was granted (a
 * lock, a permit, an item, a notification) to the next one and goes on as after PARK_REQUESTED: its call raises, so nobody
 * would use it. A hook that is to be called raises nothing and does not count. */
static inline bool park_leaves(const Tstate *ts) {
  if (ts->shielded) return false;
  return (atomic_load_explicit(&ts->gil.requests, memory_order_relaxed) & (REQUEST_INTERRUPT | REQUEST_CANCEL)) != 0;
}

/* park_check raises what a result stands for: requests, deadlock, and invalid_state where waits are forbidden. Returns true if granted,
 * false on timeout. */
bool park_check(lua_State *L, Tstate *ts, ParkResult result);

/* park_timeout reads the timeout in seconds at index i: none or nil is CLOCK_NEVER. Raises an argument error if it is
 * negative, not a number or beyond PARK_TIMEOUT_MAX. *poll, unless NULL, tells whether it is 0: do not wait. */
int64_t park_timeout(lua_State *L, int i, bool *poll);

/* park_timeout_field is the same for the field `timeout` of the table at index i, an option of `what`. */
int64_t park_timeout_field(lua_State *L, int i, const char *what, bool *poll);

/* park_blocking reads the flag at index i that says whether a call may wait: none or nil is true. Another value is an argument
 * error: a number there was meant to be the timeout. */
bool park_blocking(lua_State *L, int i);

/* park_deadline is a deadline so many seconds from now, by the time of the calling thread's runtime. park_real makes of such a
 * deadline one of the real clock, for waits that are none of park's. Need the lock. */
int64_t park_deadline(lua_Number seconds);
static inline int64_t park_real(const Tstate *ts, int64_t deadline) { return gil_real(&ts->rt->gil, deadline); }

/* The longest timeout in seconds, some 292 years less a margin. */
#define PARK_TIMEOUT_MAX 9000000000.0

/* park_stranger raises: the calling thread has not entered the runtime of L. */
int park_stranger(lua_State *L);

/* park_self is the calling thread's state; raises if this thread has not entered the runtime of L, or another one since. */
static inline Tstate *park_self(lua_State *L) {
  Tstate *ts = running_self(L);
  if (__builtin_expect(ts == NULL, 0)) park_stranger(L);
  running_look(ts, L);
  assert((ts->blocking == 0 || ts->kept) && "Lua is used inside a region of native work");
  return ts;
}

#endif
