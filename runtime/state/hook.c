/* Preemption of Lua code. Not here: when somebody is asked (gil/ask.c), the user's own hooks (userhook.c).
 *
 * The hook of a coroutine is one of
 *   none        nobody waits, the user set nothing
 *   gil_hook    armed (count 1 or 2), or on behalf of the user's record, or polling (Runtime.poll)
 *   foreign     set by somebody else's C code: kept in Runtime.foreign while ours stands in its place
 *
 * gil_hook keeps nothing in the system thread, because an armed coroutine may yield and be resumed by another thread:
 * it looks at its own coroutine, puts back what belongs there, forwards the event, and only then sees to the requests of
 * the thread that it runs on. A call that nobody asked for costs nothing but that.
 *
 * Signals      the handler calls lua_sethook, as the Lua manual allows, on the coroutine that runs now. Each lua_sethook
 *              of ours stands between two writes of in_sethook; the handler leaves when it is set, and who cleared it
 *              looks at the requests again. Stores to `current` come before that look, so no request is missed.
 * Others'      handlers may set a hook at any instruction, too, as lua.c's does on Ctrl-C. Where somebody else made the state
 * handlers     the main thread, which takes such signals, blocks them from its look at the hook to its store: what they set is
 *              seen, and stays, or replaces ours, which is armed again. Two system calls each time; a host of gilua_open has
 *              gilua_interrupt, so there only one that comes amid our lua_sethook is looked for (L6.4).
 * Stand-in     one foreign hook at a time has ours in its place: it is put back when its coroutine is switched away from, or
 *              when another one with a foreign hook is to be armed. So Runtime.foreign.L is on some thread's C stack.
 * Raises       one instruction after hold() returned: its <close> variable must exist first.
 */
#include "runtime/state/hook.h"

#include <assert.h>
#include <stdatomic.h>

#include "runtime/gil/schedule.h"
#include "runtime/os/signals.h"
#include "runtime/state/finalizer.h"
#include "runtime/state/request.h"
#include "runtime/state/running.h"
#include "runtime/state/taken.h"
#include "runtime/state/userhook.h"

static void gil_hook(lua_State *L, lua_Debug *ar);

bool hook_is_foreign(const Runtime *rt, lua_State *L) {
  lua_Hook hook = lua_gethook(L);
  return hook == gil_hook ? rt->foreign.L == L : hook != NULL;
}

lua_Hook hook_foreign(const Runtime *rt, lua_State *L, int *mask, int *count) {
  lua_Hook hook = lua_gethook(L);
  bool stands_in = hook == gil_hook;
  *mask = stands_in ? rt->foreign.mask : lua_gethookmask(L);
  *count = stands_in ? rt->foreign.count : lua_gethookcount(L);
  return stands_in ? rt->foreign.hook : hook;
}

enum { MASK_ALL = LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT };

/* lua_sethook, but a hook that a handler set in the midst of it stays: its function is there with our mask. */
static void put_hook(lua_State *L, lua_Hook hook, int mask, int count) {
  lua_sethook(L, hook, mask, count);
  lua_Hook there = lua_gethook(L);
  if (there != NULL && lua_gethookmask(L) == 0) lua_sethook(L, there, MASK_ALL, 1);
}

/* Puts the foreign hook back that ours stands in for, but not from another thread that of the state where a host's handler may
 * set one at the same time. Runs in the handler, too. */
static bool give_back(const Tstate *ts) {
  Runtime *rt = ts->rt;
  ForeignHook f = rt->foreign;
  if (f.L == NULL) return true;
  if (rt->attached && f.L == rt->L && ts != rt->main) return false;
  if (lua_gethook(f.L) == gil_hook) put_hook(f.L, f.hook, f.mask, f.count);
  rt->foreign.L = NULL;
  return true;
}

/* Runs in the handler, too: only plain reads and lua_sethook. Where no hook is, ours comes before the n-th instruction. */
static void put_armed(const Tstate *ts, lua_State *L, int n) {
  Runtime *rt = ts->rt;
  lua_Hook hook = lua_gethook(L);
  int mask = lua_gethookmask(L);
  if (hook != gil_hook && rt->foreign.L == L) rt->foreign.L = NULL; /* somebody put another in its place, or none */
  if (hook == NULL || mask == 0) {
    put_hook(L, gil_hook, LUA_MASKCOUNT, n);
  } else if (hook == gil_hook) {
    put_hook(L, gil_hook, mask | LUA_MASKCOUNT, 1);
  } else if (give_back(ts)) {
    rt->foreign = (ForeignHook){.hook = hook, .mask = mask, .count = lua_gethookcount(L)};
    rt->foreign.L = L;
    put_hook(L, gil_hook, mask | LUA_MASKCOUNT, 1);
  }
}

/* Arming walks every frame of the stack, so it may take a millisecond; the lock asks this thread less often then. */
static void arm_current(Tstate *ts, int n) {
  const Clock *clock = &ts->gil.gil->clock;
  uint64_t start = clock_ticks(clock);
  put_armed(ts, ts->current, n);
  atomic_store_explicit(&ts->gil.arm_cost, clock_ticks(clock) - start, memory_order_relaxed);
}

static bool handlers_set_hooks(const Tstate *ts) { return ts->rt->attached && ts == ts->rt->main; }

static void enter_sethook(Tstate *ts) {
  ts->in_sethook = 1;
  atomic_signal_fence(memory_order_seq_cst);
  if (handlers_set_hooks(ts)) os_block_signals(0, &ts->before_sethook);
}

static void leave_sethook(Tstate *ts) {
  atomic_signal_fence(memory_order_seq_cst);
  ts->in_sethook = 0;
  if (handlers_set_hooks(ts)) pthread_sigmask(SIG_SETMASK, &ts->before_sethook, NULL);
}

enum { MOST_RETURNS = 8 };

/* A thread that grants may do as many more instructions as returns lead out of the functions that it is in: one whose last act is
 * a release has ended when the new owner looks. What was granted is not its own any more, whatever it does with them. */
static int after_returns(lua_State *L) {
  lua_Debug ar;
  int n = 2;
  while (n < MOST_RETURNS && lua_getstack(L, n, &ar)) n++;
  return n;
}

void hook_arm(GilThread *self) {
  Tstate *ts = tstate_of(self);
  if (ts->rt->preempt == PREEMPT_NONE && !request_stops(ts)) return;
  bool only_leaves = atomic_load_explicit(&self->requests, memory_order_relaxed) == REQUEST_SWITCH;
  enter_sethook(ts);
  arm_current(ts, only_leaves ? after_returns(ts->current) : 1);
  leave_sethook(ts);
}

void hook_arm_in_handler(Tstate *ts) {
  if (ts->in_sethook) return;
  ts->in_sethook = 1; /* a handler may come amid another one */
  atomic_signal_fence(memory_order_seq_cst);
  arm_current(ts, 1);
  atomic_signal_fence(memory_order_seq_cst);
  ts->in_sethook = 0;
}

/* The user's hook on L, or NULL. */
static UserHook *user_of(const Runtime *rt, lua_State *L) {
  UserHook *user = rt->user_hooks ? userhook_find(L, L) : NULL;
  return user != NULL && !user->inert ? user : NULL;
}

enum { WATCH_POLL = 1000 };

/* VM instructions between two looks at the requests while L runs on ts, 0: L is armed when it is needed. */
static int poll_of(const Tstate *ts, const lua_State *L) {
  const Runtime *rt = ts->rt;
  bool is_watched = L != ts->current && L != rt->spare && rt->preempt != PREEMPT_NONE;
  return rt->poll == 0 && is_watched ? WATCH_POLL : (int)rt->poll;
}

typedef struct Setting {
  int mask, count; /* mask 0: no hook */
} Setting;

/* What belongs on a coroutine with the user's hook, or NULL. poll: as poll_of, or Runtime.poll. */
static Setting setting_of(UserHook *user, int poll) {
  Setting s = {0, 0};
  if (user != NULL) s = (Setting){user->mask, user->count};
  if ((s.mask & LUA_MASKCOUNT) != 0) {
    s.count = userhook_step(user, poll != 0 && poll < USERHOOK_QUANTUM ? poll : USERHOOK_QUANTUM);
  } else if (poll != 0) {
    s.mask |= LUA_MASKCOUNT;
    s.count = poll;
  }
  return s;
}

static bool is_there(lua_State *L, Setting s) {
  return lua_gethook(L) == (s.mask != 0 ? gil_hook : NULL) && lua_gethookmask(L) == s.mask && lua_gethookcount(L) == s.count;
}

/* Restarts Lua's count, too. */
static void put_setting(lua_State *L, Setting s) { put_hook(L, s.mask != 0 ? gil_hook : NULL, s.mask, s.count); }

/* Sets what belongs on L, unless it is there: its count goes on. */
static void set_hook(lua_State *L, UserHook *user, int poll) {
  Setting s = setting_of(user, poll);
  if (!is_there(L, s)) put_setting(L, s);
}

static void reset(Runtime *rt, lua_State *L, bool foreign_stays) {
  Tstate *ts = tstate_self();
  if (ts != NULL) enter_sethook(ts);
  if (!foreign_stays && rt->foreign.L == L) rt->foreign.L = NULL;
  if (!foreign_stays) put_setting(L, setting_of(user_of(rt, L), (int)rt->poll));
  else if (!hook_is_foreign(rt, L)) set_hook(L, user_of(rt, L), (int)rt->poll);
  if (ts == NULL) return;
  leave_sethook(ts);
  if (atomic_load_explicit(&ts->gil.requests, memory_order_relaxed) != 0 && ts->current == L) hook_arm(&ts->gil);
}

void hook_reset(Runtime *rt, lua_State *L) { reset(rt, L, false); }
void hook_refresh(Runtime *rt, lua_State *L) { reset(rt, L, true); }

void hook_inherit(Runtime *rt, lua_State *from, lua_State *to) {
  ForeignHook f = rt->foreign;
  if (f.L == from && lua_gethook(from) == gil_hook) lua_sethook(to, f.hook, f.mask, f.count);
  else hook_refresh(rt, to);
}

void hook_watch(Tstate *ts, lua_State *L) {
  int poll = poll_of(ts, L), count = lua_gethookcount(L);
  if (poll == 0) return;
  /* a look that stores nothing needs no bracket */
  if (lua_gethook(L) == gil_hook && (lua_gethookmask(L) & LUA_MASKCOUNT) != 0 && count > 0 && count <= poll) return;
  enter_sethook(ts);
  if (!hook_is_foreign(ts->rt, L)) set_hook(L, user_of(ts->rt, L), poll);
  leave_sethook(ts);
}

void hook_arm_after_switch(Tstate *ts, lua_State *to) {
  if (ts->rt->foreign.L != NULL && ts->rt->foreign.L != to) {
    enter_sethook(ts);
    give_back(ts);
    leave_sethook(ts);
  }
  if (atomic_load_explicit(&ts->gil.requests, memory_order_relaxed) != 0) hook_arm(&ts->gil);
  else if (lua_gethook(to) == NULL) hook_refresh(ts->rt, to);
}

/* Puts back what belongs on L. Returns the foreign hook that it was, L NULL if none. */
static ForeignHook restore(Tstate *ts, lua_State *L, UserHook *user) {
  Runtime *rt = ts->rt;
  enter_sethook(ts);
  ForeignHook foreign = rt->foreign;
  if (foreign.L != L) foreign.L = NULL;
  else rt->foreign.L = NULL;
  if (lua_gethook(L) == gil_hook) { /* else a handler was here since Lua called us */
    if (foreign.L != NULL) put_hook(L, foreign.hook, foreign.mask, foreign.count);
    else set_hook(L, user, poll_of(ts, L));
  }
  leave_sethook(ts);
  return foreign;
}

/* Puts back what belongs on L and passes the event to whom it belongs. */
static void put_back(Tstate *ts, lua_State *L, lua_Debug *ar) {
  Runtime *rt = ts->rt;
  UserHook *user = user_of(rt, L);
  ForeignHook foreign = {.L = NULL};
  bool is_foreign = rt->foreign.L == L;
  bool wanted = !is_foreign && user != NULL && (user->mask & userhook_bit(ar)) != 0;
  if (wanted && ar->event == LUA_HOOKCOUNT) wanted = userhook_counted(user);
  if (is_foreign || !is_there(L, setting_of(user, poll_of(ts, L)))) foreign = restore(ts, L, user);
  if (wanted) userhook_call(L, ar);
  if (foreign.L != NULL && (foreign.mask & userhook_bit(ar)) != 0 && ar->event != LUA_HOOKCOUNT) foreign.hook(L, ar);
}

static void tell_report(lua_State *L, Tstate *ts) {
  atomic_fetch_and_explicit(&ts->gil.requests, ~(uint32_t)REQUEST_REPORT, memory_order_relaxed);
  if (ts->rt->tell_report != NULL) ts->rt->tell_report(L, ts);
}

/* The request must wait until the finalizer is over: those that it interrupts are armed, for hooks do not run in it but in
 * its coroutines. */
static void arm_outer(Tstate *ts, lua_State *L) {
  enter_sethook(ts);
  for (const Running *r = ts->outer_running; r != NULL; r = r->outer) put_armed(ts, r->L, 1);
  if (ts->current != L) put_armed(ts, ts->current, 1); /* last: of foreign hooks only one has ours in its place */
  leave_sethook(ts);
}

/* A point where Lua's state is consistent. */
static void service(lua_State *L, Tstate *ts, bool yields) {
  uint32_t requests = atomic_load_explicit(&ts->gil.requests, memory_order_relaxed);
  bool asked = (requests & REQUEST_SWITCH) != 0;
  if ((asked || yields) && !lock_yield(ts) && asked) arm_outer(ts, L);
  if (__builtin_expect((requests & REQUEST_REPORT) != 0, 0)) tell_report(L, ts);
  if (!request_stops(ts)) return;
  if (ts->just_held) {
    ts->just_held = false;
    hook_arm(&ts->gil);
    return;
  }
  request_raise(L, ts);
}

/* A count event of a schedule: is this the place to yield? What is left to count until the next is set with what belongs on L. */
static bool is_turn(lua_State *L, Tstate *ts, lua_Debug *ar) {
  Runtime *rt = ts->rt;
  Schedule *s = rt->gil.schedule;
  if (s == NULL) return rt->poll_yields;
  bool event = rt->stepped == NULL || rt->stepped(L, ts, ar);
  bool turn = schedule_tick(s, &ts->gil, event);
  rt->poll = s->gap;
  return turn;
}

static void gil_hook(lua_State *L, lua_Debug *ar) {
  Tstate *ts = tstate_self();
  if (ts == NULL || !gil_held(&ts->gil)) { /* a thread that never entered runs Lua: nothing of ours to do */
    assert((ts == NULL || ts->blocking == 0) && "Lua runs inside a region of native work");
    lua_sethook(L, NULL, 0, 0);
    return;
  }
  running_find(ts, L);
  if (__builtin_expect(atomic_load_explicit(&ts->rt->taker, memory_order_relaxed) != NULL, 0)) taken_serve(ts->rt);
  bool yields = ar->event == LUA_HOOKCOUNT && is_turn(L, ts, ar);
  put_back(ts, L, ar);
  service(L, ts, yields);
  Runtime *rt = ts->rt;
  bool steps = rt->steps != NULL && rt->gil.schedule != NULL; /* a forked child has no schedule */
  if (__builtin_expect(steps, 0) && ar->event == LUA_HOOKCOUNT) rt->steps(L, ts, ar);
}

void hook_end(Tstate *ts) {
  enter_sethook(ts);
  give_back(ts);
  leave_sethook(ts);
}

/* Whether the hook of the main state is one that a host's handler sets to be called at once, and not one that lasts. */
static bool is_stirring(const Runtime *rt) {
  int mask, count;
  if (!hook_is_foreign(rt, rt->L)) return false;
  lua_Hook hook = hook_foreign(rt, rt->L, &mask, &count);
  return hook != rt->stock_hook && (mask & LUA_MASKCOUNT) != 0 && count == 1;
}

void hook_stirred(GilThread *self) {
  Tstate *ts = tstate_of(self);
  /* without the lock: nobody but this thread and its signal handlers sets a hook on its own state */
  if (is_stirring(ts->rt)) atomic_fetch_or_explicit(&self->requests, REQUEST_HOOK, memory_order_relaxed);
}

lua_Hook hook_take_stirring(Tstate *ts) {
  Runtime *rt = ts->rt;
  lua_Hook hook = NULL;
  int mask, count;
  enter_sethook(ts);
  if (is_stirring(rt)) {
    hook = hook_foreign(rt, rt->L, &mask, &count);
    if (lua_gethook(rt->L) != gil_hook) lua_sethook(rt->L, NULL, 0, 0);
    if (rt->foreign.L == rt->L) rt->foreign.L = NULL; /* ours was armed in its place, or in that of one before it */
  }
  leave_sethook(ts);
  return hook;
}

void hook_call(lua_State *L, lua_Hook hook) {
  lua_Debug ar = {.event = LUA_HOOKCOUNT, .currentline = -1};
  if (hook != NULL) hook(L, &ar);
}
