/* Native work without the lock.
 *
 *   blocking_begin(ts, "compress");          other threads run Lua from here
 *   …                                        no Lua value, no lua_State: only what was copied or pinned before
 *   blocking_end(ts);                        errno is as the work left it
 *
 * Such a region cannot be ended early. What waits for a descriptor uses blocking_wait_fd, what has another way of being
 * ended blocking_call. Nobody waiting for the lock, a region costs what leaving and retaking it does, some 20 ns.
 *
 * Regions nest; the outermost one counts. Inside a finalizer the lock is kept, and the work is done with it.
 *
 * With asserts (any build without NDEBUG) these are caught: a region that is ended twice or left open, use of gilua's
 * modules inside one, and a Lua stack that has another height at the end.
 */
#ifndef GILUA_RUNTIME_SYNC_BLOCKING_H
#define GILUA_RUNTIME_SYNC_BLOCKING_H

#include <poll.h>

#include "runtime/sync/park.h"

/* blocking_begin leaves the lock for native work; what, a constant, says for what. Needs the lock, held by ts, the
 * calling thread. Keeps errno. */
void blocking_begin(Tstate *ts, const char *what);

/* blocking_begin_wait is the same for what waits, for a disk or for somebody, rather than works: recordings show it. */
void blocking_begin_wait(Tstate *ts, const char *what);

/* blocking_begin_brief is the same for what ends soon whatever other threads do, as file operations: a schedule keeps the lock,
 * so that its run repeats. */
void blocking_begin_brief(Tstate *ts, const char *what);

/* blocking_name says, for recordings and dumps, what the descriptors are that ts waits for next: a constant. */
static inline void blocking_name(Tstate *ts, const char *what) {
  ts->doing = what;
  ts->doing_waits = true;
}

/* blocking_end takes the lock back, in turn, for ever. Keeps errno. Raises nothing: a request that came meanwhile is
 * raised at the next VM instruction, or by request_raise. */
void blocking_end(Tstate *ts);

/* blocking_call runs fn(arg) without the lock. When a request (Ctrl-C, cancel, exit) comes meanwhile another thread
 * calls unblock(unblock_arg), once, to make fn return early; never before fn is about to run, never after blocking_call
 * has returned, but perhaps just before or after fn itself is in the wait that it is to end: it must leave something
 * that fn sees (a flag, a byte in a pipe, a closed socket). unblock runs without the lock, under a mutex of the
 * runtime: it must neither use Lua nor wait. NULL: the call cannot be ended.
 *
 * Returns PARK_GRANTED: fn ran; a request may be pending (request_pending), for the caller to raise when it has cleaned
 * up. PARK_REQUESTED: one was pending before, fn did not run. Needs the lock. Keeps fn's errno. In a finalizer the lock
 * is kept and unblock is not called. Should the helper thread not start, fn runs and cannot be ended. */
ParkResult blocking_call(Tstate *ts, const char *what, void (*fn)(void *arg), void *arg, void (*unblock)(void *arg),
                         void *unblock_arg);

/* blocking_wait_call is the same for an fn that only waits, and that the caller begins again while request_serve says so:
 * signals for handlers of Lua make it return early, too. blocking_shielded_call is for one that they alone end. */
ParkResult blocking_wait_call(Tstate *ts, const char *what, void (*fn)(void *arg), void *arg, void (*unblock)(void *arg),
                              void *unblock_arg);
ParkResult blocking_shielded_call(Tstate *ts, const char *what, void (*fn)(void *arg), void *arg,
                                  void (*unblock)(void *arg), void *unblock_arg);

/* blocking_wait_fd waits until fd is ready for one of `events` (poll.h) or in error; *revents is what poll says then.
 * Returns PARK_GRANTED, PARK_TIMEOUT, PARK_REQUESTED, or PARK_FORBIDDEN in a finalizer if fd is not ready at once; give
 * it to park_check. A descriptor that is not open is ready, with POLLNVAL. Needs the lock, drops it meanwhile. Keeps
 * errno. */
ParkResult blocking_wait_fd(Tstate *ts, int fd, short events, int64_t deadline, short *revents);

/* blocking_wait_fds is the same for n descriptors; fds has room for n + 1. */
ParkResult blocking_wait_fds(Tstate *ts, struct pollfd *fds, unsigned n, int64_t deadline);

/* blocking_wait_read calls fn(arg), one system call that waits for data of the descriptor, which has no O_NONBLOCK, without the
 * lock. A request sets O_NONBLOCK, and has the thread sent the signal that asks for the lock until fn has returned, with EAGAIN or
 * EINTR. The descriptor must stay open until blocking_wait_read returns. deadline and object are for those who look at the wait:
 * that it ends in time is fn's to see to. *ended: O_NONBLOCK was set, and is the caller's to take away.
 * Returns PARK_GRANTED: fn ran, errno is its own. EAGAIN: O_NONBLOCK is set, perhaps; EINTR: call again. PARK_REQUESTED: there is
 * something to be raised, fn did not run. PARK_TIMEOUT: a request came first, fn did not run either: call again. Only where
 * blocking_by_signal says so. Needs the lock, drops it meanwhile. */
ParkResult blocking_wait_read(Tstate *ts, int64_t deadline, const void *object, int fd, void (*fn)(void *arg), void *arg, bool *ended);

/* blocking_by_signal tells whether a signal can end a system call of ts, the calling thread, now: not in finalizers, not where
 * hosts own the signal or their own are looked for amid waits, not amid a wait that no request ends. */
bool blocking_by_signal(Tstate *ts);

/* blocking_install makes the requests of rt end native calls; called once, when it opens. */
void blocking_install(Runtime *rt);

#endif
