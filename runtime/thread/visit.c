/* A native thread's visits: coming in, nesting, going out, being forgotten.
 *
 * States of a visit    IDLE      the thread is outside; its state waits for it, listed in the runtime
 *                      INSIDE    on its way in, inside, on its way out; depth > 0 says that it has arrived
 *                      GONE      the runtime has taken the thread state back; only the Visit is left
 * Transitions                    who                                     where
 *   (none)  -> INSIDE            its thread, door OPEN with m            arrive
 *   INSIDE  -> IDLE              its thread, which has left the lock     go_out
 *   IDLE    -> INSIDE            its thread, by compare-exchange         come_back, visit_forget
 *   IDLE    -> GONE              main with the lock, by compare-exchange visit_sweep
 *   INSIDE  -> (none)            its thread: the door is closing, or the thread ends   depart
 *
 * The compare-exchanges decide who owns an idle thread state: its thread that comes back, or main that closes. So
 * coming back takes no mutex, and main frees nothing that somebody is about to use. A newcomer counts as `moving` until
 * it is listed, one that departs until it has let go of everything of the runtime; main waits for both.
 *
 * Arrows        door.c -> visit.c -> reentry.c
 * Not promised  a thread that is inside when time has run out never gets the lock again, unless it waits for it in
 *               visit_enter: then it gets VISIT_ECLOSING.
 * Lock order    the lock -> Door.m
 * Fork          Door.m is in the fork table; visits of the threads that vanished go with their states.
 */
#include "runtime/thread/visit.h"

#include <assert.h>
#include <errno.h>
#include <lauxlib.h>
#include <stdlib.h>

#include "runtime/os/os.h"
#include "runtime/sync/blocking.h"
#include "runtime/sync/deadlock.h"
#include "runtime/state/hook.h"
#include "runtime/state/process.h"
#include "runtime/state/request.h"
#include "runtime/state/running.h"
#include "runtime/thread/reentry.h"
#include "runtime/thread/thread.h"
#include "runtime/thread/visit_lists.h"

/* The checker of the block above, for the visit of the calling thread. */
static __attribute__((unused)) bool visit_sane(const Visit *v) {
  int state = atomic_load_explicit(&v->state, memory_order_relaxed);
  if (v->depth == 0) return v->reentry == NULL;
  return state == VISIT_INSIDE && (v->ts->visit == v || v->ts->owned) &&
         (v->reentry == NULL || v->reentry->depth <= v->depth);
}

Visit *visit_find(const Door *door) {
  /* changes while the door is CLOSED only */
  uint64_t serial = atomic_load_explicit(&door->serial, memory_order_relaxed);
  for (Visit *v = visit_first; v != NULL; v = v->next)
    if (v->door == door && v->serial == serial) return v;
  return NULL;
}

void visit_link(Visit *v) {
  v->next = visit_first;
  visit_first = v;
}

void visit_discard(Visit *v) {
  Visit **p = &visit_first;
  while (*p != v) p = &(*p)->next;
  *p = v->next;
  free(v);
}

Visit *visit_new(Door *door, Tstate *ts) {
  Visit *v = calloc(1, sizeof *v);
  if (v == NULL) return NULL;
  v->forget = visit_forget;
  v->door = door;
  v->serial = atomic_load_explicit(&door->serial, memory_order_relaxed);
  v->ts = ts;
  atomic_init(&v->state, VISIT_INSIDE);
  return v;
}

void visit_list(Door *door, Visit *v) {
  v->beside = door->visits;
  door->visits = v;
}

void visit_unlist(Door *door, const Visit *v) {
  Visit **p = &door->visits;
  while (*p != NULL && *p != v) p = &(*p)->beside;
  if (*p != NULL) *p = v->beside;
}

void visit_end_object(Tstate *self, Tstate *ts) {
  lua_State *L = ts->base;
  if (ts->thread_ref == LUA_NOREF) return;
  lua_rawgeti(L, LUA_REGISTRYINDEX, ts->thread_ref);
  Thread *t = lua_touserdata(L, -1);
  t->state = THREAD_DONE;
  t->ts = NULL;
  park_grant_all(self, &t->joiners);
  lua_pop(L, 1);
}

static int nest(Visit *v, lua_State **L) {
  assert(visit_sane(v));
  if (tstate_self() != v->ts || v->ts->blocking > 0) return reentry_begin(v, L);
  v->depth++;
  *L = v->ts->current;
  return VISIT_OK;
}

static int come_back(Visit *v, lua_State **L) {
  Tstate *ts;
  int idle = VISIT_IDLE;
  /* acquire pairs with the release of go_out, or of a sweep, which is through with v then */
  if (!atomic_compare_exchange_strong_explicit(&v->state, &idle, VISIT_INSIDE, memory_order_acquire,
                                               memory_order_acquire)) {
    visit_discard(v);
    return VISIT_ECLOSING;
  }
  ts = v->ts;
  v->left = reentry_step_out();
  tstate_enter(ts);
  if (!gil_take_open(&ts->gil)) { /* closed for good: the runtime is left as it is */
    tstate_leave(ts);
    reentry_step_back(v->left);
    return VISIT_ECLOSING;
  }
  request_drop_interrupt(ts); /* it was meant for what has ended */
  v->depth = 1;
  v->top = lua_gettop(ts->current);
  *L = ts->base;
  return VISIT_OK;
}

/* Makes a newcomer's Lua state; runs on the spare state, protected. */
static int make_base(lua_State *L) {
  Tstate *ts = lua_touserdata(L, 1);
  ts->base = lua_newthread(L);
  ts->base_ref = luaL_ref(L, LUA_REGISTRYINDEX);
  hook_reset(ts->rt, ts->base);
  return 0;
}

/* With the lock. */
static int move_in(Tstate *ts) {
  Runtime *rt = ts->rt;
  lua_pushcfunction(rt->spare, make_base);
  lua_pushlightuserdata(rt->spare, ts);
  int status = lua_pcall(rt->spare, 1, 0, 0);
  lua_settop(rt->spare, 0);
  if (status != LUA_OK || gil_start_nudger(&rt->gil) != 0) return VISIT_ENOMEM;
  running_restart(ts, ts->base);
  deadlock_open_world(rt); /* it may come again at any time, and end a wait */
  tstate_list(ts);
  return VISIT_OK;
}

static void move_out(Door *door, const Visit *v) {
  pthread_mutex_lock(&door->m);
  visit_unlist(door, v);
  door->moving++;
  pthread_mutex_unlock(&door->m);
}

static void has_moved(Door *door) {
  pthread_mutex_lock(&door->m);
  door->moving--;
  pthread_mutex_unlock(&door->m);
}

static int settle(Door *door, Runtime *rt, Tstate *ts, Visit *v) {
  ts->visit = v;
  running_restart(ts, rt->spare); /* until it has its own: a signal handler may arm it */
  ts->gil.tid = os_tid();
  if (rt->preempt == PREEMPT_SIGNAL) os_unblock_signal(rt->signal);
  v->left = reentry_step_out();
  tstate_enter(ts);
  gil_pass(&rt->gil);
  int err = gil_take_open(&ts->gil) ? move_in(ts) : VISIT_ECLOSING;
  if (err == VISIT_OK) {
    v->depth = 1;
    visit_link(v);
    pthread_mutex_lock(&door->m);
    visit_list(door, v);
    pthread_mutex_unlock(&door->m);
  }
  if (err == VISIT_ENOMEM) {
    luaL_unref(rt->spare, LUA_REGISTRYINDEX, ts->base_ref);
    gil_exit(&ts->gil);
  }
  if (err != VISIT_OK) {
    tstate_leave(ts);
    reentry_step_back(v->left);
  }
  has_moved(door); /* last: it keeps the runtime */
  return err;
}

static int arrive(Door *door, lua_State **L) {
  pthread_mutex_lock(&door->m);
  Runtime *rt = door->rt;
  bool open = atomic_load_explicit(&door->state, memory_order_relaxed) == DOOR_OPEN;
  if (open) door->moving++;
  pthread_mutex_unlock(&door->m);
  if (!open) return VISIT_ECLOSING;
  Tstate *ts = tstate_alloc(rt, rt->spare, NULL);
  Visit *v = ts != NULL ? visit_new(door, ts) : NULL;
  int err = VISIT_ENOMEM;
  if (v == NULL || process_watch_thread() != 0) has_moved(door);
  else err = settle(door, rt, ts, v);
  if (err == VISIT_OK) {
    *L = ts->base;
    return VISIT_OK;
  }
  tstate_free(ts);
  free(v);
  return err;
}

/* The calling thread's state behind the door, if gilua started the thread: it is inside as long as it lives. */
static Tstate *resident(const Door *door) {
  Tstate *ts = tstate_self();
  while (ts != NULL && (!ts->owned || ts->rt->door != door)) ts = ts->outer;
  return ts;
}

/* A resident's visit lasts from its first enter to the matching leave; the runtime does not know of it. */
static Visit *resident_visit(Door *door) {
  Tstate *ts = resident(door);
  Visit *v = ts != NULL ? visit_new(door, ts) : NULL;
  if (v == NULL) return NULL;
  v->depth = 1;
  visit_link(v);
  return v;
}

bool visit_is_inside(const Door *door) {
  const Visit *v = visit_find(door);
  return v != NULL ? v->depth > 0 : resident(door) != NULL;
}

int visit_enter(Door *door, lua_State **L) {
  Visit *v = visit_find(door);
  if (v == NULL) v = resident_visit(door);
  if (v != NULL && v->depth > 0) return nest(v, L);
  /* acquire pairs with set_state; a late look is decided by the compare-exchange, or by m */
  if (atomic_load_explicit(&door->state, memory_order_acquire) != DOOR_OPEN) return VISIT_ECLOSING;
  int saved = errno;
  int err = v != NULL ? come_back(v, L) : arrive(door, L);
  errno = saved;
  return err;
}

/* The thread state goes; its thread is inside, with the lock, which it drops. */
static void depart(Visit *v) {
  Tstate *ts = v->ts, *left = v->left;
  Door *door = v->door;
  move_out(door, v);
  visit_end_object(ts, ts);
  park_grant_all(ts, &ts->rt->endings);
  atomic_store_explicit(&ts->gil.requests, 0, memory_order_relaxed);
  tstate_unlist(ts);
  tstate_leave(ts);
  gil_exit(&ts->gil);
  has_moved(door); /* from here on main may free the runtime */
  tstate_free(ts);
  visit_discard(v);
  reentry_step_back(left);
}

static void go_out(Visit *v) {
  Tstate *ts = v->ts, *left = v->left;
  v->depth = 0;
  tstate_leave(ts);
  gil_leave(&ts->gil);
  /* release: from here on main may take the thread state away */
  atomic_store_explicit(&v->state, VISIT_IDLE, memory_order_release);
  reentry_step_back(left);
}

static void leave_outermost(Visit *v) {
  Tstate *ts = v->ts;
  assert(gil_held(&ts->gil) && ts->blocking == 0 && "gilua_leave inside a region of native work");
  lua_settop(ts->current, v->top);
  /* relaxed: main, which closes, waits for this thread either way */
  if (ts != ts->rt->main && atomic_load_explicit(&v->door->state, memory_order_relaxed) != DOOR_OPEN) depart(v);
  else go_out(v);
}

int visit_leave(Door *door) {
  Visit *v = visit_find(door);
  if (v == NULL || v->depth == 0) return VISIT_EOUTSIDE;
  assert(visit_sane(v));
  if (v->reentry != NULL && v->reentry->depth == v->depth) {
    reentry_end(v);
  } else if (v->depth > 1) {
    v->depth--;
  } else {
    leave_outermost(v);
    return VISIT_OK;
  }
  if (v->depth == 1 && v->ts->owned) visit_discard(v);
  return VISIT_OK;
}

/* The thread ends inside: tells the host, and gives the lock back. */
static void leave_at_end(Visit *v) {
  Tstate *ts = v->ts;
  if (!gil_held(&ts->gil)) gil_take(&ts->gil);
  for (Reentry *r = v->reentry, *outer; r != NULL; r = outer) {
    outer = r->outer;
    free(r);
  }
  v->reentry = NULL;
  v->left = NULL; /* the thread ends in every runtime */
  v->depth = 0;
  ts->blocking = 0;
  if (ts->rt->on_error != NULL) ts->rt->on_error(ts->rt->on_error_data, "a thread ended without gilua_leave");
  lua_settop(ts->base, 0);
}

void visit_forget(Visit *v) {
  Tstate *ts = v->ts;
  int idle = VISIT_IDLE;
  bool current = v->serial == atomic_load_explicit(&v->door->serial, memory_order_relaxed);
  if (v->depth > 0 && ts != ts->rt->main) {
    leave_at_end(v);
    depart(v);
  } else if (v->depth == 0 && current && atomic_compare_exchange_strong(&v->state, &idle, VISIT_INSIDE)) {
    if (ts == ts->rt->main) { /* closing is still to come, from nowhere: the runtime stays */
      visit_first = v->next;
      atomic_store(&v->state, VISIT_IDLE);
      return;
    }
    v->left = NULL;
    tstate_enter(ts);
    if (gil_take_open(&ts->gil)) {
      depart(v);
    } else {
      pthread_mutex_lock(&v->door->m);
      visit_unlist(v->door, v);
      pthread_mutex_unlock(&v->door->m);
      visit_discard(v);
    }
  } else {
    visit_discard(v);
  }
}
