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
 * Ended by signals     blocking_wait_read lists nothing: its thread has WAKE_CALLS in its wake word, and counts as a native
 *                      call. The nudger makes the descriptor one that does not block, and sends the signal: the read begins
 *                      anew and does not wait. It does so every INSIST_NS until the bit is gone. It walks Runtime.threads,
 *                      with unblock_m. WAKE_ENDS, set while WAKE_CALLS is, says that it uses the descriptor: the thread passes
 *                      through unblock_m before it goes on, and the descriptor is its until then.
 * Never too late       unblock runs under unblock_m, which the call must take before it returns.
 * Lock order           the lock -> unblock_m, a leaf but for what the unblock functions do.
 * Fork                 unblock_m is in the fork table; the child has at most the call that forked.
 */
#include "runtime/sync/blocking.h"

#include <assert.h>
#include <errno.h>
#include <sys/ioctl.h>

#include "runtime/os/poll.h"
#include "runtime/state/finalizer.h"
#include "runtime/state/order.h"
#include "runtime/state/request.h"

enum { INSIST_NS = 1000000 };

static void begin(Tstate *ts, const char *what, bool waits, bool brief) {
  if (ts->blocking++ > 0) return;
  assert(gil_held(&ts->gil));
#ifndef NDEBUG
  ts->top = lua_gettop(ts->current);
#endif
  ts->kept = waits_forbidden(ts) || (brief && ts->rt->gil.schedule != NULL);
  ts->doing = what;
  ts->doing_waits = waits;
  if (ts->kept) return;
  order_release(ts, ts->rt); /* what is done outside may tell others: a pipe, a socket */
  gil_leave(&ts->gil);
}

void blocking_begin(Tstate *ts, const char *what) { begin(ts, what, false, false); }

void blocking_begin_wait(Tstate *ts, const char *what) { begin(ts, what, true, false); }

void blocking_begin_brief(Tstate *ts, const char *what) { begin(ts, what, true, true); }

void blocking_end(Tstate *ts) {
  assert(ts->blocking > 0 && "blocking_end without blocking_begin");
  if (--ts->blocking > 0) return;
  if (!ts->kept) {
    gil_take(&ts->gil);
    order_acquire(ts, ts->rt);
  }
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
  if (ts->gil.stirred != NULL) gil_alarm_calls(&rt->gil); /* it looks for signals of the host meanwhile */
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

static int64_t sooner(int64_t a, int64_t b) { return b == 0 || (a != 0 && a < b) ? a : b; }

/* With unblock_m: listed calls. */
static int64_t unblock_listed(Runtime *rt) {
  int64_t again = 0;
  for (Unblock *u = rt->unblocks; u != NULL; u = u->next) {
    if (u->ts->gil.stirred != NULL) {
      u->ts->gil.stirred(&u->ts->gil); /* it is out of Lua as long as it is listed */
      again = GIL_STIR_NS;
    }
    if (u->called || (atomic_load(&u->ts->gil.requests) & u->wanted) == 0) continue;
    u->called = true;
    u->unblock(u->arg);
  }
  return again;
}

/* With unblock_m: ends the read of ts if it is in one, and was asked to end it. Returns whether it was in one. */
static bool end_read(Tstate *ts, bool *unheard) {
  int on = 1;
  /* acquire: what it wants, and its descriptor, were written before */
  uint32_t told = atomic_load_explicit(&ts->gil.wake, memory_order_acquire);
  if ((told & WAKE_CALLS) == 0) return false;
  if ((atomic_load(&ts->gil.requests) & atomic_load_explicit(&ts->ends_call, memory_order_relaxed)) == 0) return false;
  while (!atomic_compare_exchange_weak_explicit(&ts->gil.wake, &told, told | WAKE_ENDS, memory_order_acquire, memory_order_acquire))
    if ((told & WAKE_CALLS) == 0) return false;
  ioctl(atomic_load_explicit(&ts->reads, memory_order_relaxed), FIONBIO, &on);
  *unheard = *unheard || atomic_load_explicit(&ts->gil.asked, memory_order_relaxed);
  gil_signal(&ts->gil);
  return true;
}

/* The nudger's part. It looks only when somebody was asked, or is to be asked again: there may be thousands of calls. */
static int64_t unblock_requested(Gil *g, bool due) {
  Runtime *rt = (Runtime *)((char *)g - offsetof(Runtime, gil));
  if (!atomic_exchange(&g->calls_asked, false) && !due) return 0;
  int64_t again = 0;
  bool unheard = false;
  pthread_mutex_lock(&rt->unblock_m);
  for (Tstate *ts = rt->threads; ts != NULL; ts = ts->next)
    if (end_read(ts, &unheard)) again = INSIST_NS;
  again = sooner(again, unblock_listed(rt));
  pthread_mutex_unlock(&rt->unblock_m);
  if (unheard && g->unheard != NULL) g->unheard(g);
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

ParkResult blocking_shielded_call(Tstate *ts, const char *what, void (*fn)(void *arg), void *arg,
                                  void (*unblock)(void *arg), void *unblock_arg) {
  return call(ts, what, fn, arg, unblock, unblock_arg, request_hears(ts));
}

bool blocking_by_signal(Tstate *ts) {
  Gil *g = &ts->rt->gil;
  return gil_ask_signal(g) != 0 && ts->gil.stirred == NULL && !ts->shielded && !waits_forbidden(ts) && gil_start_nudger(g) == 0;
}

ParkResult blocking_wait_read(Tstate *ts, int64_t deadline, const void *object, int fd, void (*fn)(void *arg), void *arg, bool *ended) {
  *ended = false;
  if (!request_serve(ts)) return PARK_REQUESTED;
  uint32_t ends = REQUEST_RAISES | request_hears(ts);
  park_begin(ts, deadline, "fd", object);
  atomic_store_explicit(&ts->ends_call, ends, memory_order_relaxed); /* both are published by WAKE_CALLS */
  atomic_store_explicit(&ts->reads, fd, memory_order_relaxed);
  atomic_fetch_or(&ts->gil.wake, WAKE_CALLS); /* seq_cst: see the top */
  bool open = (atomic_load(&ts->gil.requests) & ends) == 0;
  int saved = EAGAIN;
  if (open) {
    order_release(ts, ts->rt);
    gil_idle(&ts->gil);
    fn(arg);
    saved = errno;
  }
  /* acquire pairs with gil_poke */
  uint32_t told = atomic_fetch_and_explicit(&ts->gil.wake, ~(uint32_t)(WAKE_CALLS | WAKE_ENDS | WAKE_POKE), memory_order_acquire);
  if ((told & WAKE_ENDS) != 0) {
    *ended = true;
    pthread_mutex_lock(&ts->rt->unblock_m);
    pthread_mutex_unlock(&ts->rt->unblock_m);
  }
  if (open) {
    gil_take(&ts->gil);
    order_acquire(ts, ts->rt);
  }
  ts->wait.what = NULL;
  ts->doing = NULL; /* blocking_name */
  errno = saved;
  return open ? PARK_GRANTED : PARK_TIMEOUT;
}

static ParkResult poll_now(struct pollfd *fds, unsigned n) {
  int ready = os_poll_now(fds, n);
  return ready > 0 ? PARK_GRANTED : PARK_FORBIDDEN;
}

static ParkResult wait_fds(Tstate *ts, struct pollfd *fds, unsigned n, int64_t deadline) {
  Waiter *w = &ts->wait;
  if (waits_forbidden(ts)) return poll_now(fds, n);
  /* a schedule's run repeats as long as nobody has to wait for a descriptor */
  if (ts->rt->gil.schedule != NULL && poll_now(fds, n) == PARK_GRANTED) return PARK_GRANTED;
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
  order_release(ts, ts->rt);
  ParkResult result = wait_fds(ts, fds, n, deadline);
  order_acquire(ts, ts->rt);
  ts->doing = NULL; /* blocking_name */
  return result;
}

ParkResult blocking_wait_fd(Tstate *ts, int fd, short events, int64_t deadline, short *revents) {
  struct pollfd fds[2] = {{.fd = fd, .events = events}};
  ParkResult result = blocking_wait_fds(ts, fds, 1, deadline);
  *revents = result == PARK_GRANTED ? fds[0].revents : 0;
  return result;
}
