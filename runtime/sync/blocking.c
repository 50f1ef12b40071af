/* Regions of native work, and who ends the calls in them.
 *
 * States of a call     LISTED    in Runtime.unblocks; its thread is about to run fn, or in it, or just out of it
 *                      CALLED    the same, and unblock was called
 *                      (none)    before and after
 *
 * Transitions             who                                          where
 *   none -> LISTED        its thread, with unblock_m, with the lock    list
 *   LISTED -> CALLED      the nudger, with unblock_m                   unblock_requested
 *   any -> none           its thread, with unblock_m, without the lock unlist
 *
 * Nothing is missed    a requester sets the request, then looks at native_calls and alarms the nudger; a call
 *                      is counted there, then looks at the requests: both seq_cst, so at least one sees the other. A
 *                      signal handler always alarms.
 * Never too late       unblock runs under unblock_m, which the call must take before it returns.
 * Lock order           the lock -> unblock_m, a leaf but for what the unblock functions do.
 * Fork                 unblock_m is in the fork table; the child has at most the call that forked.
 */
#include "runtime/sync/blocking.h"

#include <assert.h>
#include <errno.h>

#include "runtime/state/finalizer.h"
#include "runtime/state/request.h"

static void begin(Tstate *ts, const char *what, bool waits) {
  if (ts->blocking++ > 0) return;
  assert(gil_held(&ts->gil));
#ifndef NDEBUG
  ts->top = lua_gettop(ts->current);
#endif
  ts->kept = waits_forbidden(ts);
  ts->doing = what;
  ts->doing_waits = waits;
  if (!ts->kept) gil_leave(&ts->gil);
}

void blocking_begin(Tstate *ts, const char *what) { begin(ts, what, false); }

void blocking_begin_wait(Tstate *ts, const char *what) { begin(ts, what, true); }

void blocking_end(Tstate *ts) {
  assert(ts->blocking > 0 && "blocking_end without blocking_begin");
  if (--ts->blocking > 0) return;
  if (!ts->kept) gil_take(&ts->gil);
  ts->doing = NULL;
  assert(lua_gettop(ts->current) == ts->top && "the Lua stack was used without the lock");
}

/* Returns false if there is something to raise already. */
static bool list(Tstate *ts, Unblock *u) {
  Runtime *rt = ts->rt;
  pthread_mutex_lock(&rt->unblock_m);
  u->next = rt->unblocks;
  if (u->next != NULL) u->next->prev = u;
  rt->unblocks = u;
  ts->unblock = u;
  atomic_fetch_add(&rt->gil.native_calls, 1); /* seq_cst: see the top */
  pthread_mutex_unlock(&rt->unblock_m);
  if (ts->gil.stirred != NULL) gil_alarm(&rt->gil); /* it looks for signals of the host meanwhile */
  return (atomic_load(&ts->gil.requests) & u->wanted) == 0;
}

static void unlist(Tstate *ts, Unblock *u) {
  Runtime *rt = ts->rt;
  pthread_mutex_lock(&rt->unblock_m);
  if (u->next != NULL) u->next->prev = u->prev;
  if (u->prev != NULL) u->prev->next = u->next;
  else rt->unblocks = u->next;
  ts->unblock = NULL;
  atomic_fetch_sub_explicit(&rt->gil.native_calls, 1, memory_order_relaxed); /* late looks cost an alarm only */
  pthread_mutex_unlock(&rt->unblock_m);
}

/* The nudger's part. */
static bool unblock_requested(Gil *g) {
  Runtime *rt = (Runtime *)((char *)g - offsetof(Runtime, gil));
  bool again = false;
  if (atomic_load(&g->native_calls) == 0) return false;
  pthread_mutex_lock(&rt->unblock_m);
  for (Unblock *u = rt->unblocks; u != NULL; u = u->next) {
    if (u->ts->gil.stirred != NULL) {
      u->ts->gil.stirred(&u->ts->gil); /* it is out of Lua as long as it is listed */
      again = true;
    }
    if (u->called || (atomic_load(&u->ts->gil.requests) & u->wanted) == 0) continue;
    u->called = true;
    u->unblock(u->arg);
  }
  pthread_mutex_unlock(&rt->unblock_m);
  return again;
}

void blocking_install(Runtime *rt) { rt->gil.unblock = unblock_requested; }

static ParkResult call(Tstate *ts, const char *what, void (*fn)(void *arg), void *arg, void (*unblock)(void *arg),
                       void *unblock_arg, uint32_t wanted) {
  Unblock u = {.ts = ts, .unblock = unblock, .arg = unblock_arg, .wanted = wanted};
  bool listed = unblock != NULL && !waits_forbidden(ts) && gil_start_nudger(&ts->rt->gil) == 0;
  if (listed && !list(ts, &u)) {
    unlist(ts, &u);
    return PARK_REQUESTED;
  }
  blocking_begin_wait(ts, what);
  fn(arg);
  int saved = errno;
  if (listed) unlist(ts, &u);
  blocking_end(ts);
  errno = saved;
  return PARK_GRANTED;
}

ParkResult blocking_call(Tstate *ts, const char *what, void (*fn)(void *arg), void *arg, void (*unblock)(void *arg),
                         void *unblock_arg) {
  return call(ts, what, fn, arg, unblock, unblock_arg, REQUEST_RAISES);
}

ParkResult blocking_wait_call(Tstate *ts, const char *what, void (*fn)(void *arg), void *arg,
                              void (*unblock)(void *arg), void *unblock_arg) {
  return call(ts, what, fn, arg, unblock, unblock_arg, REQUEST_RAISES | request_hears(ts));
}

static ParkResult poll_now(struct pollfd *fds, unsigned n) {
  int ready = poll(fds, n, 0);
  return ready > 0 ? PARK_GRANTED : PARK_FORBIDDEN;
}

static ParkResult wait_fds(Tstate *ts, struct pollfd *fds, unsigned n, int64_t deadline) {
  Waiter *w = &ts->wait;
  if (waits_forbidden(ts)) return poll_now(fds, n);
  int ready;
  do {
    if (!request_serve(ts) && !ts->shielded) return PARK_REQUESTED;
    park_begin(ts, deadline, "fd", fds);
    gil_idle(&ts->gil);
    ready = gil_poll(&ts->gil, fds, n, deadline, request_hears(ts) | (ts->shielded ? 0 : REQUEST_RAISES));
    gil_take(&ts->gil);
    w->what = NULL;
  } while (ready == -1 && (request_serve(ts) || ts->shielded)); /* that was all: it goes on to its deadline */
  if (ready > 0) return PARK_GRANTED;
  if (ready < -1) { /* poll refuses the call itself: the caller's next read or write tells why */
    for (unsigned i = 0; i < n; i++) fds[i].revents = POLLERR;
    return PARK_GRANTED;
  }
  return ready == 0 ? PARK_TIMEOUT : PARK_REQUESTED;
}

ParkResult blocking_wait_fds(Tstate *ts, struct pollfd *fds, unsigned n, int64_t deadline) {
  ParkResult result = wait_fds(ts, fds, n, deadline);
  ts->doing = NULL; /* blocking_name */
  return result;
}

ParkResult blocking_wait_fd(Tstate *ts, int fd, short events, int64_t deadline, short *revents) {
  struct pollfd fds[2] = {{.fd = fd, .events = events}};
  ParkResult result = blocking_wait_fds(ts, fds, 1, deadline);
  *revents = result == PARK_GRANTED ? fds[0].revents : 0;
  return result;
}
