/* A stretch of native work: without the lock when it is long enough to pay, and stopped by Ctrl-C or a cancel where the
 * work looks.
 *
 *   Work work;
 *   work_begin(L, &work, "sha256", nbytes >= 8192);
 *   while (… && !work_stopped(&work)) …
 *   bool stopped = work_end(&work);
 *   …clean up…
 *   if (stopped) return work_raise(L, &work);
 */
#ifndef GILUA_RUNTIME_NATIVE_WORK_H
#define GILUA_RUNTIME_NATIVE_WORK_H

#include <lauxlib.h>

#include "runtime/sync/blocking.h"
#include "runtime/state/request.h"

typedef struct Work {
  Tstate *ts;
  bool left;      /* runs without the lock */
  bool stoppable; /* what is requested can be raised: not in a finalizer, not shielded */
} Work;

/* work_begin begins work on the calling thread; what, a constant, names it; leave: it is long enough to leave the
 * lock. */
static inline void work_begin(lua_State *L, Work *work, const char *what, bool leave) {
  work->ts = park_self(L);
  work->left = leave;
  work->stoppable = false;
  if (!leave) return;
  blocking_begin(work->ts, what);
  work->stoppable = !work->ts->kept && !work->ts->shielded;
}

/* work_stopped tells whether the work should stop now: there is something to raise. Any time, by the thread itself. */
static inline bool work_stopped(const Work *work) {
  GilThread *self = &work->ts->gil;
  if (work->stoppable && self->stirred != NULL) self->stirred(self);
  return work->stoppable && request_pending(work->ts);
}

/* work_end takes the lock back; returns whether the work was stopped, or should have been. */
static inline bool work_end(Work *work) {
  if (!work->left) return false;
  blocking_end(work->ts);
  return work_stopped(work);
}

/* work_raise raises what stopped the work. */
static inline int work_raise(lua_State *L, Work *work) {
  request_raise(L, work->ts);
  return luaL_error(L, "the work was stopped");
}

#endif
