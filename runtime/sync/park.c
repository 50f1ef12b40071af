/* Sleeping and granting. The protocol with the lock is in gil/lock.c: a parked thread is out of line; a grant puts it in
 * line without waking it, and it wakes up owning the lock. */
#include "runtime/sync/park.h"

#include <assert.h>
#include <lauxlib.h>

#include "runtime/sync/aside.h"
#include "runtime/sync/deadlock.h"
#include "runtime/state/error.h"
#include "runtime/state/finalizer.h"
#include "runtime/state/order.h"
#include "runtime/state/request.h"

static void count_untimed(Waiter *w) {
  if (w->untimed) return;
  w->untimed = true;
  tstate_of_waiter(w)->rt->wakers.untimed++;
}

static void discount_untimed(Waiter *w) {
  if (!w->untimed) return;
  w->untimed = false;
  Wakers *wakers = &tstate_of_waiter(w)->rt->wakers;
  wakers->untimed--;
  wakers->ended++;
}

void park_begin(Tstate *ts, int64_t deadline, const char *what, const void *object) {
  Waiter *w = &ts->wait;
  assert(w->queue == NULL && w->what == NULL);
  assert(ts->blocking == 0 && "a wait inside a region of native work");
  w->granted = w->bound = w->look = false;
  w->claim = NULL;
  w->outcome = 0;
  w->what = what;
  w->object = object;
  w->since = clock_ns();
  w->deadline = deadline;
}

static uint32_t requests_of(const Tstate *ts) {
  return atomic_load_explicit(&ts->gil.requests, memory_order_relaxed);
}

/* It came back only to see whether its wait can end at all. */
static bool must_look(const Tstate *ts, bool suspicious, uint32_t wanted) {
  const Waiter *w = &ts->wait;
  if (w->queue == NULL || !(w->look || suspicious)) return false;
  return (requests_of(ts) & wanted) == 0;
}

/* What may end the sleep of ts now. A wait that is bound or shielded must go on, but handlers of signals run amid it. */
static uint32_t wanted_by(const Tstate *ts) {
  bool must_go_on = ts->shielded || (ts->wait.bound && ts->wait.queue != NULL);
  return request_hears(ts) | (must_go_on ? 0 : REQUEST_RAISES | REQUEST_NOTICE);
}

static void hear_amid(Tstate *ts) {
  Waiter *w = &ts->wait;
  discount_untimed(w);
  aside_begin(ts);
  request_serve(ts);
  aside_end(ts);
  if (w->queue != NULL && w->deadline == CLOCK_NEVER) count_untimed(w);
}

/* It came back for a signal, or for a hook that a signal handler of the host has set: serves them without leaving the wait,
 * so that nothing is missed. Returns whether that was all, and the wait goes on to its deadline. */
static bool goes_on(Tstate *ts) {
  const Waiter *w = &ts->wait;
  uint32_t came = requests_of(ts) & wanted_by(ts);
  if (w->granted || (came & (REQUEST_HOOK | REQUEST_SIGNAL)) == 0) return false;
  if ((came & REQUEST_SIGNAL) != 0) hear_amid(ts);
  if (!w->granted && (requests_of(ts) & wanted_by(ts) & REQUEST_HOOK) != 0) request_serve(ts);
  return !w->granted && (requests_of(ts) & wanted_by(ts)) == 0;
}

ParkResult park_claim(Tstate *ts, Waitq *q, int64_t deadline, const char *what, const void *object,
                      bool (*claim)(Tstate *self, Waiter *w)) {
  if (waits_forbidden(ts)) return PARK_FORBIDDEN; /* first: nothing can be raised there either */
  if ((requests_of(ts) & wanted_by(ts) & ~(uint32_t)(REQUEST_HOOK | REQUEST_SIGNAL)) != 0) return PARK_REQUESTED;
  Waiter *w = &ts->wait;
  park_begin(ts, deadline, what, object);
  w->claim = claim;
  if (q != NULL) waitq_append(q, w);
  if (q != NULL && deadline == CLOCK_NEVER) count_untimed(w); /* a sleep ends by itself */
  DeadlockVerdict verdict = w->untimed ? deadlock_check(ts, false) : WAIT_ON;
  bool waits = (requests_of(ts) & wanted_by(ts)) == 0 || goes_on(ts);
  while (waits && verdict != WAIT_IN_VAIN) {
    uint32_t wanted = wanted_by(ts);
    bool suspicious = verdict == WAIT_SUSPICIOUSLY;
    int64_t until = suspicious ? gil_now(&ts->rt->gil) + DEADLOCK_GRACE_NS : w->deadline; /* here: park_move writes it */
    gil_until(&ts->gil, until, wanted);
    gil_park(&ts->gil);
    gil_sleep(&ts->gil, until, wanted, q != NULL);
    if (w->bound && w->queue != NULL) {
      verdict = WAIT_ON; /* park_move: notified in time */
      goes_on(ts);
      waits = !w->granted;
    } else if (must_look(ts, suspicious, wanted)) {
      verdict = deadlock_check(ts, suspicious && !w->look);
      w->look = false;
    } else {
      waits = goes_on(ts) || (w->bound && !w->granted);
    }
  }
  w->what = NULL;
  if (w->granted) return PARK_GRANTED;
  discount_untimed(w);
  if (w->queue != NULL) waitq_remove(w);
  if (verdict == WAIT_IN_VAIN) return PARK_DEADLOCK;
  return (requests_of(ts) & wanted_by(ts)) != 0 ? PARK_REQUESTED : PARK_TIMEOUT;
}

ParkResult park(Tstate *ts, Waitq *q, int64_t deadline, const char *what, const void *object) {
  return park_claim(ts, q, deadline, what, object, NULL);
}

void park_grant(Tstate *self, Waiter *w, bool urgent) {
  waitq_remove(w);
  discount_untimed(w);
  w->granted = true;
  Tstate *target = tstate_of_waiter(w);
  order_pass(self, target);
  /* aside, or granted by a hook amid its own wait: it does not sleep in it */
  if (target != self && !w->aside) gil_ready(&self->gil, &target->gil, urgent);
}

void park_move(Waiter *w, Waitq *q, const char *what, const void *object,
               bool (*claim)(Tstate *self, Waiter *w)) {
  waitq_remove(w);
  w->what = what;
  w->object = object;
  w->deadline = CLOCK_NEVER;
  w->bound = true;
  w->claim = claim;
  if (w->aside) {
    w->home = q;
    return;
  }
  count_untimed(w);
  waitq_append(q, w);
}

Tstate *park_grant_first(Tstate *self, Waitq *q, bool urgent) {
  Waiter *w = q->head;
  if (w == NULL) return NULL;
  park_grant(self, w, urgent);
  return tstate_of_waiter(w);
}

void park_grant_all(Tstate *self, Waitq *q) {
  while (park_grant_first(self, q, false) != NULL) continue;
}

bool park_check(lua_State *L, Tstate *ts, ParkResult result) {
  if (result == PARK_REQUESTED) request_raise(L, ts);
  if (result == PARK_DEADLOCK) deadlock_raise(L, ts);
  if (result == PARK_FORBIDDEN && ts->astray)
    error_raise_state(L, "borrowed", "cannot wait on a lua_State that another thread uses, too");
  if (result == PARK_FORBIDDEN && ts->serving)
    error_raise_state(L, "hook", "cannot wait in a hook that a signal handler has set amid another wait");
  if (result == PARK_FORBIDDEN) error_raise_state(L, "finalizer", "cannot wait in a finalizer");
  return result == PARK_GRANTED;
}

/* What is wrong with a timeout of so many seconds, or NULL. */
static const char *timeout_fault(lua_Number seconds) {
  if (!(seconds >= 0)) return "timeout must not be negative or NaN";
  return seconds <= PARK_TIMEOUT_MAX ? NULL : "timeout is too large";
}

int64_t park_deadline(lua_Number seconds) {
  const Tstate *ts = tstate_self();
  return ts != NULL ? gil_deadline(&ts->rt->gil, seconds) : clock_deadline(seconds);
}

int64_t park_timeout(lua_State *L, int i, bool *poll) {
  if (poll != NULL) *poll = false;
  if (lua_isnoneornil(L, i)) return CLOCK_NEVER;
  lua_Number seconds = luaL_checknumber(L, i);
  const char *fault = timeout_fault(seconds);
  if (fault != NULL) luaL_argerror(L, i, fault);
  if (poll != NULL) *poll = seconds == 0;
  return park_deadline(seconds);
}

int64_t park_timeout_field(lua_State *L, int i, const char *what, bool *poll) {
  lua_getfield(L, i, "timeout");
  if (!lua_isnil(L, -1)) {
    int is_number;
    const char *fault = timeout_fault(lua_tonumberx(L, -1, &is_number));
    if (!is_number) luaL_error(L, "bad field 'timeout' to '%s' (number expected, got %s)", what, luaL_typename(L, -1));
    if (fault != NULL) luaL_error(L, "bad field 'timeout' to '%s' (%s)", what, fault);
  }
  int64_t deadline = park_timeout(L, lua_gettop(L), poll);
  lua_pop(L, 1);
  return deadline;
}

bool park_blocking(lua_State *L, int i) {
  if (lua_isnoneornil(L, i)) return true;
  luaL_checktype(L, i, LUA_TBOOLEAN);
  return lua_toboolean(L, i);
}

int park_stranger(lua_State *L) {
  if (tstate_self() == NULL) return luaL_error(L, "this system thread has not entered the runtime (gilua_enter)");
  return luaL_error(L, "this system thread is inside another runtime: gilua_leave that one first, or close its state");
}
