/* Who may come in, and who may take a thread state away.
 *
 * States of a door     OPEN      threads come and go
 *                      CLOSING   nobody comes in; threads that are inside go on, nest, and leave
 *                      CLOSED    no runtime behind it
 * Transitions                    who                                     where
 *   CLOSED  -> OPEN              main, nobody else knows the door        visit_open
 *   OPEN    -> CLOSING           main, with m                            visit_close, visit_shut
 *   CLOSING -> CLOSED            main, when no other thread is listed    visit_end
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
#include "runtime/thread/thread.h"

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

static void link_visit(Visit *v) {
  v->next = visit_first;
  visit_first = v;
}

/* Takes v off the thread's list and frees it. */
static void drop_visit(Visit *v) {
  Visit **p = &visit_first;
  while (*p != v) p = &(*p)->next;
  *p = v->next;
  free(v);
}

static Visit *new_visit(Door *door, Tstate *ts) {
  Visit *v = calloc(1, sizeof *v);
  if (v == NULL) return NULL;
  v->forget = visit_forget;
  v->door = door;
  v->serial = atomic_load_explicit(&door->serial, memory_order_relaxed);
  v->ts = ts;
  atomic_init(&v->state, VISIT_INSIDE);
  return v;
}

/* With m. */
static void list_visit(Door *door, Visit *v) {
  v->beside = door->visits;
  door->visits = v;
}

static void unlist_visit(Door *door, const Visit *v) {
  Visit **p = &door->visits;
  while (*p != NULL && *p != v) p = &(*p)->beside;
  if (*p != NULL) *p = v->beside;
}

static void set_state(Door *door, DoorState state) {
  /* release: what was set up before the door opened */
  atomic_store_explicit(&door->state, state, memory_order_release);
}

int visit_open(Door *door, Runtime *rt) {
  Visit *v = new_visit(door, rt->main);
  if (v == NULL || process_watch_thread() != 0) {
    free(v);
    return VISIT_ENOMEM;
  }
  v->depth = 1;
  v->top = lua_gettop(rt->main->current);
  rt->main->visit = v;
  rt->door = door;
  link_visit(v);
  pthread_mutex_lock(&door->m);
  door->rt = rt;
  door->keeps = door->moving = 0;
  door->visits = NULL;
  list_visit(door, v);
  set_state(door, DOOR_OPEN);
  pthread_mutex_unlock(&door->m);
  return VISIT_OK;
}

/* Leaves the lock of the runtime that the thread is in now, if any; returns whose. */
static Tstate *step_out(void) {
  Tstate *ts = tstate_self();
  if (ts == NULL || ts->blocking > 0 || !gil_held(&ts->gil)) return NULL;
  blocking_begin_wait(ts, "runtime");
  return ts;
}

static void step_back(Tstate *left) {
  if (left != NULL) blocking_end(left);
}

/* Puts ts first in the thread's chain; returns the state that stood before it, NULL if it was first. */
static Tstate *bring_forward(Tstate *ts) {
  if (tstate_self() == ts) return NULL;
  Tstate *before = tstate_self();
  while (before->outer != ts) before = before->outer;
  before->outer = ts->outer;
  tstate_enter(ts);
  return before;
}

static void put_back(Tstate *ts, Tstate *before) {
  if (before == NULL) return;
  tstate_leave(ts);
  ts->outer = before->outer;
  before->outer = ts;
}

/* From a region of native work, or past another runtime. */
static int reenter(Visit *v, lua_State **L) {
  Tstate *ts = v->ts;
  Reentry *r = malloc(sizeof *r);
  if (r == NULL) return VISIT_ENOMEM;
  *r = (Reentry){.outer = v->reentry, .depth = v->depth + 1, .blocking = ts->blocking, .region_top = ts->top};
  r->left = tstate_self() != ts ? step_out() : NULL;
  r->before = bring_forward(ts);
  if (!gil_held(&ts->gil) && !gil_take_open(&ts->gil)) {
    put_back(ts, r->before);
    step_back(r->left);
    free(r);
    return VISIT_ECLOSING;
  }
  r->top = lua_gettop(ts->current);
  r->doing = ts->doing;
  r->doing_waits = ts->doing_waits;
  ts->doing = NULL;
  ts->blocking = 0;
  v->reentry = r;
  v->depth++;
  *L = ts->current;
  return VISIT_OK;
}

static void end_reentry(Visit *v) {
  Tstate *ts = v->ts;
  Reentry *r = v->reentry;
  lua_settop(ts->current, r->top);
  v->reentry = r->outer;
  v->depth--;
  ts->blocking = r->blocking;
  ts->doing = r->doing;
  ts->doing_waits = r->doing_waits;
  ts->top = r->region_top;
  if (ts->blocking > 0 && !ts->kept) gil_leave(&ts->gil);
  put_back(ts, r->before);
  step_back(r->left);
  free(r);
}

static int nest(Visit *v, lua_State **L) {
  assert(visit_sane(v));
  if (tstate_self() != v->ts || v->ts->blocking > 0) return reenter(v, L);
  v->depth++;
  *L = v->ts->current;
  return VISIT_OK;
}

static int come_back(Visit *v, lua_State **L) {
  Tstate *ts;
  int idle = VISIT_IDLE;
  /* acquire pairs with the release of go_out, or of a sweep */
  if (!atomic_compare_exchange_strong_explicit(&v->state, &idle, VISIT_INSIDE, memory_order_acquire,
                                               memory_order_relaxed)) {
    drop_visit(v);
    return VISIT_ECLOSING;
  }
  ts = v->ts;
  v->left = step_out();
  tstate_enter(ts);
  if (!gil_take_open(&ts->gil)) { /* closed for good: the runtime is left as it is */
    tstate_leave(ts);
    step_back(v->left);
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
  unlist_visit(door, v);
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
  v->left = step_out();
  tstate_enter(ts);
  gil_pass(&rt->gil);
  int err = gil_take_open(&ts->gil) ? move_in(ts) : VISIT_ECLOSING;
  if (err == VISIT_OK) {
    v->depth = 1;
    link_visit(v);
    pthread_mutex_lock(&door->m);
    list_visit(door, v);
    pthread_mutex_unlock(&door->m);
  }
  if (err == VISIT_ENOMEM) {
    luaL_unref(rt->spare, LUA_REGISTRYINDEX, ts->base_ref);
    gil_exit(&ts->gil);
  }
  if (err != VISIT_OK) {
    tstate_leave(ts);
    step_back(v->left);
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
  Visit *v = ts != NULL ? new_visit(door, ts) : NULL;
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
  Visit *v = ts != NULL ? new_visit(door, ts) : NULL;
  if (v == NULL) return NULL;
  v->depth = 1;
  link_visit(v);
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

/* Its Thread object, if somebody asked for it, ends. */
static void end_object(Tstate *self, Tstate *ts) {
  lua_State *L = ts->base;
  if (ts->thread_ref == LUA_NOREF) return;
  lua_rawgeti(L, LUA_REGISTRYINDEX, ts->thread_ref);
  Thread *t = lua_touserdata(L, -1);
  t->state = THREAD_DONE;
  t->ts = NULL;
  park_grant_all(self, &t->joiners);
  lua_pop(L, 1);
}

/* The thread state goes; its thread is inside, with the lock, which it drops. */
static void depart(Visit *v) {
  Tstate *ts = v->ts, *left = v->left;
  Door *door = v->door;
  move_out(door, v);
  end_object(ts, ts);
  park_grant_all(ts, &ts->rt->endings);
  atomic_store_explicit(&ts->gil.requests, 0, memory_order_relaxed);
  tstate_unlist(ts);
  tstate_leave(ts);
  gil_exit(&ts->gil);
  has_moved(door); /* from here on main may free the runtime */
  tstate_free(ts);
  drop_visit(v);
  step_back(left);
}

static void go_out(Visit *v) {
  Tstate *ts = v->ts, *left = v->left;
  v->depth = 0;
  tstate_leave(ts);
  gil_leave(&ts->gil);
  /* release: from here on main may take the thread state away */
  atomic_store_explicit(&v->state, VISIT_IDLE, memory_order_release);
  step_back(left);
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
    end_reentry(v);
  } else if (v->depth > 1) {
    v->depth--;
  } else {
    leave_outermost(v);
    return VISIT_OK;
  }
  if (v->depth == 1 && v->ts->owned) drop_visit(v);
  return VISIT_OK;
}

int visit_close(Door *door, int64_t deadline) {
  int err = VISIT_OK;
  struct timespec until = {.tv_sec = (time_t)(deadline / 1000000000), .tv_nsec = (long)(deadline % 1000000000)};
  pthread_mutex_lock(&door->m);
  if (atomic_load_explicit(&door->state, memory_order_relaxed) != DOOR_OPEN) err = VISIT_ECLOSING;
  while (err == VISIT_OK && door->keeps > 0) {
    if (deadline == CLOCK_NEVER) pthread_cond_wait(&door->c, &door->m);
    else if (pthread_cond_timedwait(&door->c, &door->m, &until) == ETIMEDOUT) err = VISIT_ETIME;
  }
  if (err != VISIT_ECLOSING) set_state(door, DOOR_CLOSING);
  pthread_mutex_unlock(&door->m);
  return err;
}

void visit_shut(Runtime *rt) {
  Door *door = rt->door;
  if (door == NULL) return;
  pthread_mutex_lock(&door->m);
  set_state(door, DOOR_CLOSING);
  pthread_mutex_unlock(&door->m);
}

/* IDLE -> GONE; its thread may free v at once. */
static bool take_away(Door *door, Visit *v) {
  int idle = VISIT_IDLE;
  pthread_mutex_lock(&door->m);
  unlist_visit(door, v);
  /* acquire pairs with the release of go_out: its thread is through with the state */
  bool taken = atomic_compare_exchange_strong_explicit(&v->state, &idle, VISIT_GONE, memory_order_acq_rel,
                                                       memory_order_relaxed);
  if (!taken) list_visit(door, v);
  pthread_mutex_unlock(&door->m);
  return taken;
}

unsigned visit_sweep(Runtime *rt) {
  Door *door = rt->door;
  if (door == NULL) return 0;
  pthread_mutex_lock(&door->m);
  unsigned moving = door->moving;
  pthread_mutex_unlock(&door->m);
  for (Tstate *ts = rt->threads, *next; ts != NULL; ts = next) {
    next = ts->next;
    Visit *v = ts->visit;
    if (v == NULL || ts == rt->main || v->depth > 0) continue;
    if (!take_away(door, v)) {
      moving++;
      continue;
    }
    end_object(rt->main, ts);
    tstate_unlist(ts);
    gil_pass(&rt->gil);
    tstate_free(ts);
  }
  return moving;
}

void visit_end(Door *door) {
  Visit *v = visit_find(door);
  pthread_mutex_lock(&door->m);
  door->rt = NULL;
  door->visits = NULL;
  set_state(door, DOOR_CLOSED);
  pthread_mutex_unlock(&door->m);
  if (v != NULL) drop_visit(v);
  process_end_door(door);
}

int visit_interrupt(Door *door, const lua_State *L) {
  int err = VISIT_EOUTSIDE;
  pthread_mutex_lock(&door->m);
  for (Visit *v = door->visits; v != NULL && err != VISIT_OK; v = v->beside) {
    if (v->ts->base != L) continue;
    process_interrupt_thread(v->ts); /* unlisted under m before its state goes */
    err = VISIT_OK;
  }
  pthread_mutex_unlock(&door->m);
  return err;
}

int visit_keep(Door *door) {
  pthread_mutex_lock(&door->m);
  bool open = atomic_load_explicit(&door->state, memory_order_relaxed) == DOOR_OPEN;
  if (open) door->keeps++;
  pthread_mutex_unlock(&door->m);
  return open ? VISIT_OK : VISIT_ECLOSING;
}

void visit_drop(Door *door) {
  pthread_mutex_lock(&door->m);
  /* 0: it was kept before a fork, by the thread that forked, or never */
  if (door->keeps > 0 && --door->keeps == 0) pthread_cond_broadcast(&door->c);
  pthread_mutex_unlock(&door->m);
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
      unlist_visit(v->door, v);
      pthread_mutex_unlock(&v->door->m);
      drop_visit(v);
    }
  } else {
    drop_visit(v);
  }
}
