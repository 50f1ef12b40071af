/* Starting a thread, running its function, ending it. The Lua methods are in lib_thread.c. */
#include "runtime/thread/thread.h"

#include <assert.h>
#include <errno.h>
#include <lauxlib.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/os/futex.h"
#include "runtime/os/os.h"
#include "runtime/sync/blocking.h"
#include "runtime/sync/deadlock.h"
#include "runtime/state/ended.h"
#include "runtime/state/error.h"
#include "runtime/state/order.h"
#include "runtime/thread/excepthook.h"
#include "runtime/state/hook.h"
#include "runtime/state/own_code.h"
#include "runtime/state/handlers.h"
#include "runtime/state/request.h"
#include "runtime/thread/sentinel.h"
#include "runtime/thread/shutdown.h"

enum { OS_NAME_ROOM = 64, MOST_ZOMBIES = 8, LOOKS = 20 };

Thread *thread_new(lua_State *L, lua_Integer n) {
  Thread *t = object_new(L, &thread_type, THREAD_VALUES);
  t->nvalues = n;
  lua_rawgeti(L, -2, 1);
  lua_setiuservalue(L, -2, THREAD_TARGET);
  lua_insert(L, -2);
  lua_setiuservalue(L, -2, THREAD_CALL);
  return t;
}

bool thread_alive(Thread *t) {
  if (t->state == THREAD_RUNNING && t->ts->vanished) {
    t->state = THREAD_DONE;
    t->ts = NULL;
    t->nvalues = 0;
  }
  return t->state == THREAD_RUNNING;
}

/* Pushes a Thread for a thread that gilua did not start. */
static void push_foreign(lua_State *L, Tstate *ts) {
  lua_newtable(L);
  Thread *t = thread_new(L, 0);
  t->foreign = true;
  bool ended = ts == ts->rt->main && ts->rt->phase >= PHASE_JOINING;
  t->state = ended ? THREAD_DONE : THREAD_RUNNING;
  t->ts = ended ? NULL : ts;
  t->ident = ts->ident;
  t->native_id = ts->gil.tid;
  t->daemon = ts != ts->rt->main;
  if (ts == ts->rt->main) lua_pushliteral(L, "MainThread");
  else lua_pushfstring(L, "foreign-%I", (LUAI_UACINT)ts->ident);
  lua_setiuservalue(L, -2, THREAD_NAME);
}

Thread *thread_push_current(lua_State *L, Tstate *ts) {
  luaL_checkstack(L, 4, NULL);
  if (ts->thread_ref == LUA_NOREF) {
    push_foreign(L, ts);
    if (ts->thread_ref == LUA_NOREF) ts->thread_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    else lua_pop(L, 1); /* a finalizer made it meanwhile */
  }
  lua_rawgeti(L, LUA_REGISTRYINDEX, ts->thread_ref);
  return lua_touserdata(L, -1);
}

/* "f" of a function that a global leads to, else "script.lua:12" of where it was written. */
static void push_target_name(lua_State *L, int f) {
  lua_pushglobaltable(L);
  for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
    if (!lua_rawequal(L, f, -1) || lua_type(L, -2) != LUA_TSTRING) continue;
    lua_pop(L, 1);
    lua_remove(L, -2);
    return;
  }
  lua_pop(L, 1);
  lua_Debug ar;
  lua_pushvalue(L, f);
  if (lua_isfunction(L, -1) && lua_getinfo(L, ">S", &ar) && ar.linedefined > 0)
    lua_pushfstring(L, "%s:%d", ar.short_src, ar.linedefined);
  else lua_pushliteral(L, "?");
}

void thread_push_name(lua_State *L, int i) {
  i = lua_absindex(L, i);
  luaL_checkstack(L, 8, NULL);
  if (lua_getiuservalue(L, i, THREAD_NAME) == LUA_TSTRING) return;
  lua_pop(L, 1);
  const Thread *t = lua_touserdata(L, i);
  if (lua_getiuservalue(L, i, THREAD_TARGET) == LUA_TNIL) {
    lua_pushfstring(L, "Thread-%I", (LUAI_UACINT)t->number);
  } else {
    push_target_name(L, lua_gettop(L));
    lua_pushfstring(L, "Thread-%I (%s)", (LUAI_UACINT)t->number, lua_tostring(L, -1));
    lua_replace(L, -3);
    lua_pop(L, 1);
  }
  if (lua_getiuservalue(L, i, THREAD_NAME) == LUA_TSTRING) { /* a finalizer gave it one meanwhile */
    lua_replace(L, -2);
    return;
  }
  lua_pop(L, 1);
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, i, THREAD_NAME);
  lua_pushnil(L);
  lua_setiuservalue(L, i, THREAD_TARGET);
}

const char *thread_peek_name(const Tstate *ts, char *name, size_t n) {
  lua_State *spare = ts->rt->spare;
  int type = LUA_TNIL;
  if (ts->thread_ref != LUA_NOREF) {
    lua_rawgeti(spare, LUA_REGISTRYINDEX, ts->thread_ref);
    type = lua_getiuservalue(spare, -1, THREAD_NAME);
    if (type == LUA_TSTRING) snprintf(name, n, "%s", lua_tostring(spare, -1));
    else if (ts->os_name[0] != '\0') snprintf(name, n, "%s", ts->os_name);
    lua_pop(spare, 2);
  } else if (ts == ts->rt->main) {
    snprintf(name, n, "MainThread");
    type = LUA_TSTRING;
  }
  if (type != LUA_TSTRING && ts->os_name[0] == '\0') snprintf(name, n, "thread %lld", (long long)ts->ident);
  return name;
}

/* A timer sleeps first; false: it was called off. */
static bool delay_over(lua_State *L, Tstate *ts, Thread *t) {
  if (!t->timer) return true;
  if (!t->called_off) {
    ParkResult result = park(ts, &t->delaying, park_deadline(t->delay), "timer", t);
    if (result == PARK_REQUESTED) park_check(L, ts, result);
  }
  t->called = !t->called_off;
  return t->called;
}

/* The target and its arguments are on the stack, above the Thread at 1 and the message handler at 2. */
static int call_target(lua_State *L, Tstate *ts, Thread *t) {
  (void)ts;
  int nargs = lua_gettop(L) - 3;
  int status = lua_pcall(L, nargs, LUA_MULTRET, 2);
  if (status != LUA_OK) {
    t->failed = true;
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, 1, THREAD_CALL);
    error_push_traceback(L, -1);
    lua_setiuservalue(L, 1, THREAD_TRACEBACK);
    return status;
  }
  int n = lua_gettop(L) - 2;
  luaL_checkstack(L, 2, "too many results of a thread"); /* LUA_MULTRET leaves no room */
  lua_createtable(L, n, 0);
  lua_insert(L, 3);
  for (int i = n; i > 0; i--) lua_rawseti(L, 3, i);
  lua_setiuservalue(L, 1, THREAD_CALL);
  t->nvalues = n;
  return status;
}

/* What a thread runs, under a pcall of its own: (Thread, target, args…). An error here is one of memory. */
static int body(lua_State *L) {
  Tstate *ts = tstate_self();
  Thread *t = lua_touserdata(L, 1);
  lua_pushcfunction(L, error_traceback_handler);
  lua_insert(L, 2);
  if (lua_isnil(L, 3) || !delay_over(L, ts, t)) { /* no target */
    lua_newtable(L);
    lua_setiuservalue(L, 1, THREAD_CALL);
    t->nvalues = 0;
    return 0;
  }
  if (call_target(L, ts, t) != LUA_OK && !error_is(L, -1, ERROR_CANCELLED)) excepthook_call(L, 1, -1);
  return 0;
}

/* The last that the thread does with the lock: after it, nobody can find it. */
static void end_thread(Tstate *ts, Thread *t) {
  Runtime *rt = ts->rt;
  t->state = THREAD_DONE;
  t->ts = NULL;
  t->native_id = atomic_load_explicit(&ts->gil.tid, memory_order_relaxed);
  order_release(ts, t);
  park_grant_all(ts, &t->joiners);
  park_grant_all(ts, &rt->endings);
  lua_settop(ts->base, 0);
  if (rt->thread_life != NULL) rt->thread_life(ts, false);
  char name[OS_NAME_ROOM];
  ended_note(ts, thread_peek_name(ts, name, sizeof name));
  pthread_mutex_lock(&rt->reap_m);
  rt->nending++;
  pthread_mutex_unlock(&rt->reap_m);
  tstate_unlist(ts);
  deadlock_check_others(ts);
}

static int run_main(lua_State *L, Tstate *ts, Thread *t) {
  int status = t->main(L, ts);
  if (status != LUA_OK) return status;
  lua_rawgeti(L, LUA_REGISTRYINDEX, ts->thread_ref);
  lua_pushnil(L);
  lua_setiuservalue(L, -2, THREAD_CALL);
  t->nvalues = 0;
  return status;
}

static void run(Tstate *ts, Thread *t) {
  lua_State *L = ts->base;
  int status = t->main != NULL ? run_main(L, ts, t) : lua_pcall(L, lua_gettop(L) - 1, 0, 0);
  if (status != LUA_OK) { /* a cancel of a timer, or no memory for the results */
    t->failed = true;
    lua_rawgeti(L, LUA_REGISTRYINDEX, ts->thread_ref);
    lua_pushvalue(L, -2);
    lua_setiuservalue(L, -2, THREAD_CALL);
  }
  if (ts == ts->rt->main) shutdown_survivor(L, ts->rt, t->failed ? EXIT_FAILURE : EXIT_SUCCESS);
  atomic_store_explicit(&ts->gil.requests, 0, memory_order_relaxed);
  end_thread(ts, t);
}

/* With reap_m, which it drops and takes: the oldest zombie is joined, unless it still runs and must not be waited for. Returns
 * whether one was. */
static bool bury_oldest(Runtime *rt, bool wait) {
  Tstate *ts = rt->zombies;
  if (ts == NULL) return false;
  if (!wait && pthread_tryjoin_np(ts->pthread, NULL) != 0) return false;
  rt->zombies = ts->next;
  rt->nzombies--;
  pthread_mutex_unlock(&rt->reap_m);
  if (wait) pthread_join(ts->pthread, NULL);
  tstate_free(ts);
  pthread_mutex_lock(&rt->reap_m);
  rt->unjoined--;
  rt->joined_lately = LOOKS;
  pthread_cond_broadcast(&rt->reap_c);
  return true;
}

/* Joins who has ended, and becomes one to be joined: nobody waits here. Without the lock. */
static void become_zombie(Tstate *ts) {
  Runtime *rt = ts->rt;
  pthread_mutex_lock(&rt->reap_m);
  while (bury_oldest(rt, false)) continue;
  ts->next = NULL;
  if (rt->zombies == NULL) rt->zombies = ts;
  else rt->newest_zombie->next = ts;
  rt->newest_zombie = ts;
  rt->nzombies++;
  rt->nending--;
  pthread_cond_broadcast(&rt->reap_c);
  pthread_mutex_unlock(&rt->reap_m);
}

static void wait_for_zombies(Runtime *rt) {
  pthread_mutex_lock(&rt->reap_m);
  while (rt->nzombies > MOST_ZOMBIES && bury_oldest(rt, true)) continue;
  pthread_mutex_unlock(&rt->reap_m);
}

/* Before another thread is started: a loop that starts and joins must not be faster than the system ends its threads. They have
 * left the lock for the last time, so that none needs more than a processor. */
static void bury(Tstate *self) {
  Runtime *rt = self->rt;
  pthread_mutex_lock(&rt->reap_m);
  while (bury_oldest(rt, false)) continue;
  bool many = rt->nzombies > MOST_ZOMBIES;
  pthread_mutex_unlock(&rt->reap_m);
  if (!many) return;
  blocking_begin_brief(self, "thread");
  wait_for_zombies(rt);
  blocking_end(self);
}

/* The system has no more threads: waits until it has back those that have ended; it counts each a moment longer than it can be
 * joined. False: there were none, or none lately. */
static bool await_room(Tstate *self) {
  Runtime *rt = self->rt;
  blocking_begin_brief(self, "thread");
  pthread_mutex_lock(&rt->reap_m);
  while (rt->nzombies + rt->nending > 0)
    if (!bury_oldest(rt, true)) pthread_cond_wait(&rt->reap_c, &rt->reap_m);
  bool some = rt->joined_lately > 0;
  if (some) rt->joined_lately--;
  pthread_mutex_unlock(&rt->reap_m);
  _Atomic uint32_t never = 0;
  if (some) futex_wait(&never, 0, clock_ns() + 1000000);
  blocking_end(self);
  return some;
}

static void *thread_main(void *arg) {
  Tstate *ts = arg;
  atomic_store_explicit(&ts->gil.tid, os_tid(), memory_order_relaxed);
  tstate_enter(ts);
  os_sharp_timers();
  os_name_thread(ts->os_name);
  gil_take(&ts->gil);
  lua_rawgeti(ts->base, LUA_REGISTRYINDEX, ts->thread_ref);
  Thread *t = lua_touserdata(ts->base, -1);
  lua_pop(ts->base, 1);
  run(ts, t);
  gil_exit(&ts->gil);
  tstate_leave(ts);
  gil_thread_fini(&ts->gil); /* the last one is a zombie until another thread starts: not with a descriptor */
  become_zombie(ts);
  return NULL;
}

void thread_reap(Runtime *rt) {
  pthread_mutex_lock(&rt->reap_m);
  while (rt->unjoined > 0)
    if (!bury_oldest(rt, true)) pthread_cond_wait(&rt->reap_c, &rt->reap_m);
  pthread_mutex_unlock(&rt->reap_m);
}

/* Creates the system thread; RUNNING if that went well. The new thread waits for the lock, which the caller owns. */
static int create(Runtime *rt, Tstate *ts, Thread *t) {
  pthread_attr_t attr;
  int err = pthread_attr_init(&attr);
  if (err != 0) return err;
  if (rt->stack_size != 0) err = pthread_attr_setstacksize(&attr, rt->stack_size);
  if (err == 0) {
    sigset_t old;
    bool changed = signals_for_thread(rt->preempt == PREEMPT_SIGNAL ? rt->signal : 0,
                                      own_code_still() ? NULL : handlers_is_ours, &old, &ts->blocked);
    sigorset(&ts->blocked, &ts->blocked, &tstate_self()->blocked); /* its mask has these from us */
    pthread_mutex_lock(&rt->reap_m);
    err = pthread_create(&ts->pthread, &attr, thread_main, ts);
    if (err == 0) rt->unjoined++;
    pthread_mutex_unlock(&rt->reap_m);
    if (changed) pthread_sigmask(SIG_SETMASK, &old, NULL);
  }
  pthread_attr_destroy(&attr);
  if (err != 0) return err;
  t->ts = ts;
  t->state = THREAD_RUNNING;
  t->ident = ts->ident;
  return 0;
}

/* Makes the base state of the Thread at index i: body, Thread, target, args…, or the arguments of its main; pushes it. */
static void make_base(lua_State *L, int i, lua_Integer n) {
  lua_State *base = lua_newthread(L);
  hook_reset(runtime_of(L), base);
  if (n > INT_MAX / 2 || !lua_checkstack(base, (int)n + LUA_MINSTACK)) luaL_error(L, "too many arguments to a thread");
  luaL_checkstack(L, (int)n + 4, "too many arguments to a thread");
  const Thread *t = lua_touserdata(L, i);
  if (t->state != THREAD_NEW) luaL_error(L, "a thread can be started only once");
  lua_getiuservalue(L, i, THREAD_CALL);
  int call = lua_gettop(L);
  if (t->main == NULL) {
    lua_pushcfunction(L, body);
    lua_pushvalue(L, i);
  }
  for (lua_Integer k = t->main == NULL ? 1 : 2; k <= (n > 0 ? n : 1); k++) lua_rawgeti(L, call, k);
  lua_xmove(L, base, lua_gettop(L) - call);
  lua_remove(L, call);
}

static void set_os_name(lua_State *L, int i, Tstate *ts, const Thread *t) {
  if (lua_getiuservalue(L, i, THREAD_NAME) == LUA_TSTRING)
    strncpy(ts->os_name, lua_tostring(L, -1), sizeof ts->os_name - 1);
  else
    snprintf(ts->os_name, sizeof ts->os_name, "Thread-%lld", (long long)t->number);
  lua_pop(L, 1);
}

static void check_startable(lua_State *L, const Runtime *rt, const Thread *t) {
  if (t->state != THREAD_NEW) luaL_error(L, "a thread can be started only once");
  if (rt->phase >= PHASE_CANCELLING) error_raise(L, ERROR_FINALIZING, "cannot start a thread while the program ends");
}

/* Lists a state for the Thread at index i and creates its system thread. Nothing of Lua is allocated. Returns 0 or an errno;
 * the references are taken over or given back. */
static int launch(lua_State *L, int i, Tstate *self, Thread *t, int base_ref, int thread_ref) {
  Runtime *rt = self->rt;
  lua_rawgeti(L, LUA_REGISTRYINDEX, base_ref);
  Tstate *ts = tstate_new(rt, lua_tothread(L, -1), self);
  lua_pop(L, 1);
  if (ts == NULL) {
    luaL_unref(L, LUA_REGISTRYINDEX, base_ref);
    luaL_unref(L, LUA_REGISTRYINDEX, thread_ref);
    return ENOMEM;
  }
  ts->base_ref = base_ref;
  ts->thread_ref = thread_ref;
  ts->owned = true;
  order_pass(self, ts);
  set_os_name(L, i, ts, t);
  int err = gil_start_nudger(&rt->gil);
  if (err == 0) err = create(rt, ts, t);
  if (err == 0 && rt->gil.schedule != NULL) gil_ready(&self->gil, &ts->gil, false); /* it can run, whenever its system thread comes */
  if (err != 0) {
    tstate_unlist(ts);
    tstate_free(ts);
  } else if (rt->thread_life != NULL) {
    rt->thread_life(ts, true);
  }
  return err;
}

/* Returns 0 or an errno. */
static int attempt(lua_State *L, int i, Tstate *self, Thread *t) {
  check_startable(L, self->rt, t);
  make_base(L, i, t->nvalues);
  int base_ref = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_pushvalue(L, i);
  int thread_ref = luaL_ref(L, LUA_REGISTRYINDEX);
  return t->state == THREAD_NEW ? launch(L, i, self, t, base_ref, thread_ref) : EALREADY; /* by a finalizer meanwhile */
}

void thread_start(lua_State *L, int i) {
  i = lua_absindex(L, i);
  Tstate *self = park_self(L);
  Thread *t = lua_touserdata(L, i);
  bury(self);
  check_startable(L, self->rt, t);
  if (self->rt->attached) sentinel_new(L);
  if (self->rt->thread_life != NULL) { /* it asks for the name */
    thread_push_name(L, i);
    lua_pop(L, 1);
  }
  int err;
  do err = attempt(L, i, self, t); while (err == EAGAIN && await_room(self));
  if (err != 0) luaL_error(L, "cannot start a thread: %s", strerror(err));
}

ParkResult thread_join(Tstate *self, Thread *t, int64_t deadline) {
  if (!thread_alive(t)) {
    order_acquire(self, t);
    return PARK_GRANTED;
  }
  return park(self, &t->joiners, deadline, "join", &t->ident);
}
