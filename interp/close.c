/* gilua_close. The order of an end is in runtime/thread/shutdown.c, who may still come in meanwhile in
 * runtime/thread/visit.c and door.c.
 *
 * A close with a timeout is bounded whatever the others do: a closer (runtime/thread/closer.h) interrupts main when the
 * time for joining is over, and when the time for cancelling is, too, it closes the lock, of which a thread in C code
 * may be the owner for ever. Main, which waits for it, jumps out of that wait: nothing of the state is touched again.
 */
#include <lauxlib.h>
#include <setjmp.h>
#include <stdlib.h>

#include "interp/gilua.h"
#include "interp/host.h"
#include "runtime/io/lib_io.h"
#include "runtime/state/finalizer.h"
#include "runtime/state/handlers.h"
#include "runtime/thread/closer.h"
#include "runtime/thread/shutdown.h"

typedef struct Close {
  Closer closer;
  jmp_buf out; /* [i] */
} Close;

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
static void jump_out(GilThread *self) { longjmp(host_of(tstate_of(self)->rt->door)->close->out, 1); }

static bool end_threads_in_time(Host *h, int64_t until) {
  Runtime *rt = h->state.rt;
  int64_t timeout = rt->shutdown_timeout_ns;
  if (timeout == 0) return end_threads(rt, until, timeout);
  Close c;
  bool clean = false;
  closer_start(&c.closer, rt, until, until + timeout);
  if (setjmp(c.out) == 0) {
    h->close = &c;
    rt->main->gil.shut_out = jump_out;
    clean = end_threads(rt, until, timeout);
  }
  rt->main->gil.shut_out = NULL;
  closer_end(&c.closer);
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
  if (rt->ending || waits_forbidden(rt->main)) return GILUA_EFINALIZER;
  int64_t until = rt->shutdown_timeout_ns != 0 ? clock_ns() + rt->shutdown_timeout_ns : CLOCK_NEVER;
  if (attached) { /* while it waits for keepers others may need the lock */
    tstate_leave(rt->main);
    gil_leave(&rt->main->gil);
  }
  bool clean = end_threads_in_time(h, until);
  handlers_release_sigint(rt);
  if (!clean) return GILUA_ETIMEOUT;
  visit_end(door);
  if (attached) state_detach(&h->state);
  else state_close(&h->state);
  free(h);
  return GILUA_OK;
}
