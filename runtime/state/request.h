/* Requests: what a thread is told to do at its next safe point, beside letting others run.
 *
 * Set by gil_request or a signal handler; raised by the hook (hook.c), by a wait that ends for it, or by a long C
 * function that looks (request_raise). One request is raised once; when the runtime closes, a cancel is raised at every
 * safe point.
 */
#ifndef GILUA_RUNTIME_STATE_REQUEST_H
#define GILUA_RUNTIME_STATE_REQUEST_H

#include <lauxlib.h>

#include "runtime/state/tstate.h"

/* Bits of GilThread.requests beside REQUEST_SWITCH. */
enum {
  REQUEST_INTERRUPT = 2, /* SIGINT: raise `interrupted`: Ctrl-C in the main thread, or the host asked */
  REQUEST_CANCEL = 4,    /* raise `cancelled` */
  REQUEST_EXIT = 8,      /* os.exit was called elsewhere: the main thread ends the process */
  REQUEST_HOOK = 16,     /* a signal handler of the host set a hook on the main state, as lua.c does on Ctrl-C: call it */
  REQUEST_REPORT = 32,   /* tell who kept the lock for long: the hook calls Runtime.tell_report */
  REQUEST_NOTICE = 64,   /* raises nothing, ends a wait: something was listed for a service thread, without the lock */
  REQUEST_SIGNAL = 128,  /* Lua hears a signal that came: the main thread calls handlers. Ends waits, no work */
  REQUEST_RAISES = REQUEST_INTERRUPT | REQUEST_CANCEL | REQUEST_EXIT | REQUEST_HOOK,
};

/* request_pending tells whether ts has something to raise. */
static inline bool request_pending(const Tstate *ts) {
  /* relaxed: set by this thread, under the lock that this thread holds, or by a signal handler that also arms the hook */
  return (atomic_load_explicit(&ts->gil.requests, memory_order_relaxed) & REQUEST_RAISES) != 0;
}

/* request_stops tells whether ts is to stop at its next safe point, if only for a signal handler. */
static inline bool request_stops(const Tstate *ts) {
  return (atomic_load_explicit(&ts->gil.requests, memory_order_relaxed) & (REQUEST_RAISES | REQUEST_SIGNAL)) != 0;
}

/* request_hears is REQUEST_SIGNAL if a signal may end the sleep of ts now, 0 while what a handler raised is kept. */
static inline uint32_t request_hears(const Tstate *ts) { return ts->hook_error_ref == LUA_NOREF ? REQUEST_SIGNAL : 0; }

/* request_raise calls handlers of signals and raises what is pending for ts, the calling thread, on L; returns if that is
 * nothing, or if L runs a finalizer, where it stays pending. */
void request_raise(lua_State *L, Tstate *ts);

/* request_drop_cancel forgets a cancel of ts, the calling thread, that was not raised yet: it was meant for what ran before. */
void request_drop_cancel(lua_State *L, Tstate *ts);

/* request_drop_interrupt takes back an interrupt that ts, the calling thread, has not raised. */
void request_drop_interrupt(Tstate *ts);

/* request_serve does what a request asks of ts, the calling thread, amid one of its waits: calls handlers of signals, and the
 * hook of REQUEST_HOOK, in which nothing can wait. What they raise is kept for request_raise. Returns whether nothing is left
 * to be raised. A wait in a queue is set aside before: aside.h. Needs the lock. */
bool request_serve(Tstate *ts);

/* request_call calls f with the light userdata arg, protected; what it raises is kept for request_raise. Returns whether it
 * raised nothing. Needs LUA_MINSTACK places on L. */
bool request_call(lua_State *L, lua_CFunction f, void *arg);

/* request_cancel asks target to stop, with the message at stack index msg of L (0: the default). Needs the lock. */
void request_cancel(lua_State *L, Tstate *self, Tstate *target, int msg);

#endif
