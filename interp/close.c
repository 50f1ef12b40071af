/* gilua_close. The order of an end is in runtime/thread/shutdown.c, who may still come in meanwhile in
 * runtime/thread/visit.c and door.c.
 *
 * A close with a timeout is bounded whatever the others do: a thread of its own (the closer) interrupts main when the
 * time for joining is over, and when the time for cancelling is, too, it closes the lock, of which a thread in C code
 * may be the owner for ever. Main, which waits for it, jumps out of that wait: nothing of the state is touched again.
 */
#include <errno.h>
#include <lauxlib.h>
#include <setjmp.h>
#include <stdlib.h>

#include "interp/gilua.h"
#include "interp/host.h"
#include "runtime/io/lib_io.h"
#include "runtime/os/os.h"
#include "runtime/state/process.h"
#include "runtime/thread/shutdown.h"

enum { SLACK_NS = 200000000 };

typedef struct Closer {
  Runtime *rt;           /* [i] */
  int64_t interrupt_at;  /* [i] */
  int64_t abandon_at;    /* [i] */
  pthread_t thread;      /* [i] */
  bool started;          /* [i] */
  pthread_mutex_t m;     /* guards over; taken before the mutexes of the lock */
  pthread_cond_t c;
  bool over;             /* [m] main is through */
  jmp_buf out;           /* [i] */
} Closer;

/* With m: true if main is through, false at `at`. */
static bool over_before(Closer *c, int64_t at) {
  struct timespec until = {.tv_sec = (time_t)(at / 1000000000), .tv_nsec = (long)(at % 1000000000)};
  while (!c->over)
    if (pthread_cond_timedwait(&c->c, &c->m, &until) == ETIMEDOUT) return c->over;
  return true;
}

static void *closer_main(void *arg) {
  Closer *c = arg;
  pthread_mutex_lock(&c->m);
  bool over = over_before(c, c->interrupt_at);
  if (!over) process_interrupt(c->rt);
  over = over || over_before(c, c->abandon_at);
  /* main that has the lock runs its last finalizers, or is about to wait */
  while (!over && !gil_abandon(&c->rt->gil, &c->rt->main->gil)) over = over_before(c, clock_ns() + SLACK_NS);
  pthread_mutex_unlock(&c->m);
  return NULL;
}

/* Without a thread to be had the close is not bounded. */
static void start_closer(Closer *c, Runtime *rt, int64_t until, int64_t timeout) {
  pthread_condattr_t attr;
  *c = (Closer){.rt = rt, .interrupt_at = until, .abandon_at = until + timeout + SLACK_NS};
  pthread_condattr_init(&attr);
  pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  pthread_mutex_init(&c->m, NULL);
  pthread_cond_init(&c->c, &attr);
  pthread_condattr_destroy(&attr);
  sigset_t old;
  os_block_signals(0, &old);
  c->started = pthread_create(&c->thread, NULL, closer_main, c) == 0;
  pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static void end_closer(Closer *c) {
  pthread_mutex_lock(&c->m);
  c->over = true;
  pthread_cond_signal(&c->c);
  pthread_mutex_unlock(&c->m);
  if (c->started) pthread_join(c->thread, NULL);
  pthread_cond_destroy(&c->c);
  pthread_mutex_destroy(&c->m);
}

/* The phases that need Lua, protected: an error there is one of memory. */
typedef struct Closing {
  Runtime *rt;
  int64_t join_until, cancel_ns;
  bool clean;
} Closing;

static int close_protected(lua_State *L) {
  Closing *c = lua_touserdata(L, 1);
  shutdown_join(L, c->rt, c->join_until);
  c->clean = shutdown_cancel(L, c->rt, c->cancel_ns);
  if (c->clean) lib_io_finish(L);
  return 0;
}

/* Returns whether the state may be closed. */
static bool end_threads(Runtime *rt, int64_t until, int64_t timeout) {
  Closing c = {.rt = rt, .join_until = until, .cancel_ns = timeout != 0 ? timeout : SHUTDOWN_TIMEOUT_NS};
  visit_close(rt->door, until);
  tstate_enter(rt->main);
  gil_take(&rt->main->gil);
  lua_State *L = rt->L;
  rt->main->shielded = false;
  if (!lua_checkstack(L, 4)) return shutdown_leave(rt);
  lua_pushcfunction(L, close_protected);
  lua_pushlightuserdata(L, &c);
  if (lua_pcall(L, 1, 0, 0) == LUA_OK) return c.clean;
  lua_pop(L, 1);
  return shutdown_leave(rt);
}

/* Main will never get the lock: GilThread.shut_out. */
static void jump_out(GilThread *self) { longjmp(host_of(tstate_of(self)->rt->door)->closer->out, 1); }

static bool end_threads_in_time(Host *h, int64_t until) {
  Runtime *rt = h->state.rt;
  int64_t timeout = h->shutdown_timeout_ns;
  if (timeout == 0) return end_threads(rt, until, timeout);
  Closer c;
  bool clean = false;
  start_closer(&c, rt, until, timeout);
  if (setjmp(c.out) == 0) {
    h->closer = &c;
    rt->main->gil.shut_out = jump_out;
    clean = end_threads(rt, until, timeout);
  }
  rt->main->gil.shut_out = NULL;
  end_closer(&c);
  return clean;
}

/* Is the calling thread main, at the depth at which closing is possible? */
static bool may_close(const Door *door) {
  const Visit *v = visit_find(door);
  return v != NULL && v->ts == v->ts->rt->main && v->depth == (host_of(door)->attached ? 1u : 0u);
}

int gilua_close(gilua_Runtime *door) {
  if (door == NULL) return GILUA_OK;
  if (atomic_load(&door->state) != DOOR_OPEN) return GILUA_ECLOSING;
  if (!may_close(door)) return GILUA_ETHREAD;
  Host *h = host_of(door);
  Runtime *rt = h->state.rt;
  bool attached = h->attached;
  int64_t until = h->shutdown_timeout_ns != 0 ? clock_ns() + h->shutdown_timeout_ns : CLOCK_NEVER;
  if (attached) { /* while it waits for keepers others may need the lock */
    tstate_leave(rt->main);
    gil_leave(&rt->main->gil);
  }
  bool clean = end_threads_in_time(h, until);
  process_release_sigint(rt);
  if (!clean) return GILUA_ETIMEOUT;
  visit_end(door);
  if (attached) state_detach(&h->state);
  else state_close(&h->state);
  free(h);
  return GILUA_OK;
}
