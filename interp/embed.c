/* Opening, attaching, entering: gilua.h. Not here: closing (close.c), running code (call.c), arguments of `require`
 * (modules.c). */
#include "interp/gilua.h"

#include <lauxlib.h>
#include <stdlib.h>

#include "interp/embed.h"
#include "interp/host.h"
#include "runtime/thread/excepthook.h"
#include "runtime/state/doors.h"
#include "runtime/state/handlers.h"
#include "runtime/thread/sentinel.h"
#include "runtime/thread/shutdown.h"
#include "runtime/thread/thread.h"
#include "runtime/thread/visit.h"

_Static_assert(GILUA_ECLOSING == (int)VISIT_ECLOSING && GILUA_ENOMEM == (int)VISIT_ENOMEM &&
                   GILUA_EOUTSIDE == (int)VISIT_EOUTSIDE && GILUA_ETIMEOUT == (int)VISIT_ETIME,
               "visit.h's results are returned as they are");

Runtime *embed_runtime(gilua_Runtime *door) { return host_of(door)->state.rt; }

/* The interpreter is there, its lock held: makes it known. */
static int make_known(Host *h, Door *door, const gilua_Config *config) {
  Runtime *rt = h->state.rt;
  door->owner = h;
  rt->shutdown_timeout_ns = config->shutdown_timeout_ns;
  if (visit_open(door, rt) != 0) return GILUA_ENOMEM;
  if (config->handle_sigint) handlers_take_sigint(rt);
  return GILUA_OK; /* the nudger starts with the second thread: where no thread can be made, scripts run */
}

static void undo_open(Host *h, Door *door) {
  if (door != NULL && door->rt != NULL) {
    visit_shut(h->state.rt);
    visit_end(door);
  } else if (door != NULL) {
    doors_end(door);
  }
  if (h != NULL && h->state.rt != NULL) {
    if (h->attached) state_detach(&h->state);
    else state_close(&h->state);
  }
  free(h);
}

int gilua_open(gilua_Runtime **rt, const gilua_Config *config) {
  static const gilua_Config zero = {0};
  if (rt == NULL) return GILUA_EINVAL;
  if (config == NULL) config = &zero;
  *rt = NULL;
  Host *h = calloc(1, sizeof *h);
  Door *door = doors_new();
  int err = h != NULL && door != NULL ? state_open(&h->state, config) : GILUA_ENOMEM;
  if (err != GILUA_OK && h != NULL) h->state.rt = NULL;
  if (err == GILUA_OK) err = make_known(h, door, config);
  if (err != GILUA_OK) {
    undo_open(h, door);
    return err;
  }
  visit_leave(door);
  *rt = door;
  return GILUA_OK;
}

/* lua_close of an attached state, from the oldest sentinel: nothing of L is to be used afterwards. */
static void end_attached(Runtime *rt, bool clean) {
  Door *door = rt->door;
  Host *h = host_of(door);
  if (!clean || rt->exit.waiting > 0) return; /* threads are left: what they may look at stays */
  thread_reap(rt);
  shutdown_detach(h->state.L, rt); /* finalizers that come after this one find no runtime */
  runtime_forget(h->state.L);
  visit_end(door);
  runtime_free(rt);
  free(h);
}

static int make_root(lua_State *L) {
  sentinel_root(L, end_attached);
  return 0;
}

int gilua_attach(lua_State *L, const gilua_Config *config, gilua_Runtime **rt) {
  static const gilua_Config zero = {0};
  if (rt != NULL) *rt = NULL;
  if (L == NULL || rt == NULL) return GILUA_EINVAL;
  if (config == NULL) config = &zero;
  Runtime *has = runtime_of(L);
  if (has != NULL) {
    *rt = has->door;
    return GILUA_EEXISTS;
  }
  Host *h = calloc(1, sizeof *h);
  Door *door = doors_new();
  int err = h != NULL && door != NULL ? state_attach(&h->state, L, config) : GILUA_ENOMEM;
  if (err != GILUA_OK && h != NULL) h->state.rt = NULL;
  if (err == GILUA_OK) {
    h->attached = true;
    err = make_known(h, door, config);
  }
  if (err == GILUA_OK) {
    lua_pushcfunction(L, make_root);
    int status = lua_pcall(L, 0, 0, 0);
    if (status != LUA_OK) {
      err = state_error(L, status);
      lua_pop(L, 1);
    }
  }
  if (err != GILUA_OK) {
    undo_open(h, door);
    return err;
  }
  *rt = door;
  return GILUA_OK;
}

int gilua_enter(gilua_Runtime *rt, lua_State **L) {
  if (L != NULL) *L = NULL;
  if (rt == NULL || L == NULL) return GILUA_EINVAL;
  return visit_enter(rt, L);
}

int gilua_leave(gilua_Runtime *rt, lua_State *L) {
  if (rt == NULL || L == NULL) return GILUA_EINVAL;
  return visit_leave(rt);
}

int gilua_keep(gilua_Runtime *rt) { return rt != NULL ? visit_keep(rt) : GILUA_EINVAL; }

void gilua_drop(gilua_Runtime *rt) {
  if (rt != NULL) visit_drop(rt);
}

void gilua_interrupt(gilua_Runtime *rt) {
  if (rt == NULL) return;
  if (atomic_load_explicit(&rt->state, memory_order_relaxed) != DOOR_CLOSED) handlers_interrupt(rt->rt);
}

int gilua_interrupt_thread(gilua_Runtime *rt, lua_State *L) {
  return rt != NULL && L != NULL ? visit_interrupt(rt, L) : GILUA_EINVAL;
}

const char *gilua_strerror(int err) {
  switch (err) {
    case GILUA_OK: return "no error";
    case GILUA_ECLOSING: return "the runtime is closing or closed";
    case GILUA_ENOMEM: return "not enough memory, threads or other resources of the system";
    case GILUA_EOUTSIDE: return "the calling thread has not entered the runtime (gilua_enter)";
    case GILUA_ETIMEOUT: return "time ran out";
    case GILUA_EINVAL: return "an argument or a field of the configuration is out of range";
    case GILUA_ELUA: return "Lua raised an error";
    case GILUA_ETHREAD: return "only the main thread may do this, and only outside of any call into the runtime";
    case GILUA_EINTERRUPTED: return "an interrupt, a cancel or an exit is pending";
    case GILUA_EFINALIZER: return "nothing waits inside a finalizer";
    case GILUA_EEXISTS: return "the Lua state has a runtime already";
    default: return "unknown error";
  }
}
