/* Opening and freeing a runtime. What scripts see is put there by interp. */
#include "runtime/state/runtime.h"

#include <assert.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/gil/schedule.h"
#include "runtime/os/os.h"
#include "runtime/state/error.h"
#include "runtime/state/hear.h"
#include "runtime/state/hook.h"
#include "runtime/state/handlers.h"
#include "runtime/state/process.h"
#include "runtime/state/release.h"
#include "runtime/state/running.h"
#include "runtime/state/tstate.h"

static const char runtime_key = 0; /* its address names the registry entry that leads to the runtime */

Runtime *runtime_of(lua_State *L) {
  if (!lua_checkstack(L, 1)) return NULL;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &runtime_key);
  Runtime *rt = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return rt;
}

/* What cannot fail first, so that fail_open may meet any half of it. */
static Runtime *blank(Preempt preempt) {
  Runtime *rt = calloc(1, sizeof *rt);
  if (rt == NULL) return NULL;
  rt->preempt = preempt;
  rt->release = release_number();
  pthread_mutex_init(&rt->reap_m, NULL);
  pthread_mutex_init(&rt->unblock_m, NULL);
  pthread_cond_init(&rt->reap_c, NULL);
  if (gil_init(&rt->gil) == 0) return rt;
  free(rt);
  return NULL;
}

static void fail_open(Runtime *rt) {
  gil_fini(&rt->gil); /* first: the nudger looks at the owner */
  free(rt->watchdog);
  free(rt->ended);
  tstate_free(rt->main);
  pthread_cond_destroy(&rt->reap_c);
  pthread_mutex_destroy(&rt->unblock_m);
  pthread_mutex_destroy(&rt->reap_m);
  free(rt);
}

Runtime *runtime_open(lua_State *L, bool attached, Preempt preempt, int signal) {
  luaL_checkstack(L, 4, NULL);
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
  lua_State *main = lua_tothread(L, -1);
  lua_pop(L, 1);
  lua_State *spare = lua_newthread(L);
  luaL_ref(L, LUA_REGISTRYINDEX);
  lua_pushnil(L); /* room for the entry, so that setting it later needs no memory */
  lua_rawsetp(L, LUA_REGISTRYINDEX, &runtime_key);
  error_open(L);
  Runtime *rt = blank(preempt);
  if (rt == NULL) return NULL;
  rt->attached = attached;
  rt->L = main;
  rt->universe = lua_topointer(L, LUA_REGISTRYINDEX);
  rt->signal = signal != 0 ? signal : PREEMPT_SIGNUM;
  rt->spare = spare;
  lua_sethook(spare, NULL, 0, 0);
  rt->main = tstate_new(rt, main, NULL);
  if (rt->main == NULL || process_add(rt) != 0) {
    fail_open(rt);
    return NULL;
  }
  lua_pushlightuserdata(L, rt);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &runtime_key);
  rt->main->gil.tid = os_tid();
  rt->gil.arm = hook_arm;
  rt->gil.longest = tstate_note_longest;
  rt->gil.unheard = handlers_unheard;
  atomic_store_explicit(&rt->gil.ask_signal, preempt == PREEMPT_SIGNAL ? rt->signal : 0, memory_order_relaxed);
  tstate_enter(rt->main);
  gil_take(&rt->main->gil);
  runtime_set_policy(rt, &policy_fair);
  return rt;
}

void runtime_add_exit(lua_State *L, RuntimeExit *self) {
  Runtime *rt = runtime_of(L);
  if (rt == NULL) luaL_error(L, "the threads of this state have been closed");
  if (self->rt == rt) return;
  self->rt = rt;
  self->next = rt->at_exit;
  rt->at_exit = self;
}

void runtime_forget(lua_State *L) {
  lua_pushnil(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &runtime_key);
}

void runtime_free(Runtime *rt) {
  hear_close(rt);
  process_remove(rt);
  if (tstate_self() == rt->main) tstate_leave(rt->main);
  fail_open(rt);
}

enum { COUNT_POLL = 1000 };

void runtime_set_policy(Runtime *rt, const Policy *policy) {
  if (rt->gil.schedule != NULL) return; /* that decides */
  gil_set_policy(&rt->gil, policy);
  rt->poll = policy->poll;
  rt->poll_yields = policy->battle;
  if ((rt->preempt == PREEMPT_COUNT || rt->signal_lost) && rt->poll == 0) rt->poll = COUNT_POLL;
#ifdef GILUA_HOSTILE
  if (rt->preempt != PREEMPT_NONE) {
    rt->poll = 1;
    rt->poll_yields = true;
  }
#endif
  Tstate *self = tstate_self();
  hook_refresh(rt, self->current);
  /* the others arm when they get the lock, and what the hook then puts back is the polling one, or none */
  for (Tstate *ts = rt->threads; ts != NULL; ts = ts->next)
    if (ts != self) atomic_fetch_or_explicit(&ts->gil.requests, REQUEST_SWITCH, memory_order_relaxed);
}

void runtime_set_schedule(Runtime *rt, Schedule *schedule) {
  Tstate *self = tstate_self();
  assert(rt->nthreads == 1 && self == rt->threads);
  rt->preempt = PREEMPT_COUNT;
  atomic_store_explicit(&rt->gil.ask_signal, 0, memory_order_relaxed);
  gil_set_schedule(&self->gil, schedule);
  rt->poll = schedule->gap;
  rt->poll_yields = true;
  hook_refresh(rt, self->current);
}

void runtime_after_fork(Runtime *rt, Tstate *ts) {
  for (Tstate *t = rt->threads, *next; t != NULL; t = next) {
    next = t->next;
    if (t == ts) continue;
    if (t->wait.queue != NULL) waitq_remove(&t->wait);
    for (Waiter *w = t->aside; w != NULL; w = w->outer)
      if (w->queue != NULL) waitq_remove(w);
    t->vanished = true; /* its stack stays anchored: the child must not run its finalizers */
  }
  rt->zombies = rt->newest_zombie = NULL;
  rt->nzombies = rt->nending = 0;
  rt->unjoined = 0;
  rt->forks++;
  rt->unblocks = ts != NULL ? ts->unblock : NULL;
  if (rt->unblocks != NULL) rt->unblocks->next = rt->unblocks->prev = NULL;
  atomic_store(&rt->gil.native_calls, rt->unblocks != NULL);
  if (ts == NULL) return;
  hear_after_fork(rt, ts == rt->main);
  ts->gil.stirred = rt->main->gil.stirred;
  if (rt->phase == PHASE_JOINING) rt->phase = PHASE_RUNS;
  rt->exit.waiting = 0;
  rt->main = ts;
  rt->threads = ts;
  rt->nthreads = 1;
  ts->next = ts->prev = ts->bucket_next = NULL;
  memset(rt->by_ident, 0, sizeof rt->by_ident);
  rt->by_ident[(lua_Unsigned)ts->ident % IDENT_BUCKETS] = ts;
  rt->wakers.untimed = 0;
  rt->recorder = NULL; /* it is the parent's, and so is its file */
  rt->end_recording = NULL;
  rt->thread_life = NULL;
  rt->dump_server = NULL; /* its thread did not come along */
}

void runtime_move(Runtime *rt, lua_State *L) {
  Tstate *ts = rt->main;
  ts->outer = NULL;
  ts->base = L;
  for (; ts->aside != NULL; ts->aside = ts->aside->outer)
    if (ts->aside->queue != NULL) waitq_remove(ts->aside);
  hear_forget(rt);
  running_restart(ts, L);
  ts->shielded = ts->just_held = false;
  atomic_store_explicit(&ts->gil.requests, 0, memory_order_relaxed); /* what was asked of the thread that forked */
  atomic_store_explicit(&ts->gil.tid, os_tid(), memory_order_relaxed);
  tstate_enter(ts);
  hook_reset(rt, L);
  rt->worker = true;
  rt->phase = PHASE_RUNS; /* what it was is the end of the program that forked; if that was in lua_close, Lua stays in it,
                             and `ending` true */
}
