/* The methods and fields of threading.Thread. The Lua-side synopsis is in lib_threading.c. */
#include <lauxlib.h>
#include <limits.h>
#include <string.h>

#include "runtime/os/futex.h"
#include "runtime/sync/blocking.h"
#include "runtime/state/error.h"
#include "runtime/state/text.h"
#include "runtime/state/order.h"
#include "runtime/thread/lib_thread.h"
#include "runtime/state/request.h"
#include "runtime/thread/thread.h"

static Thread *check(lua_State *L) { return object_check(L, 1, &thread_type); }

static int thread_start_method(lua_State *L) {
  check(L);
  lua_settop(L, 1);
  thread_start(L, 1);
  return 1;
}

static int thread_is_alive(lua_State *L) {
  Thread *t = check(L);
  bool alive = thread_alive(t);
  if (!alive) order_acquire(tstate_self(), t); /* it needs no runtime */
  lua_pushboolean(L, alive);
  return 1;
}

/* Waits for the thread at index 1, with the timeout at 2; false if time ran out. */
static bool join(lua_State *L, Thread *t) {
  Tstate *self = park_self(L);
  bool poll;
  int64_t deadline = park_timeout(L, 2, &poll);
  if (t->state == THREAD_NEW) luaL_error(L, "cannot join a thread that was not started");
  if (t->ts == self) luaL_error(L, "a thread cannot join itself");
  if (poll && thread_alive(t)) return false;
  return park_check(L, self, thread_join(self, t, deadline));
}

static int thread_join_method(lua_State *L) {
  lua_pushboolean(L, join(L, check(L)));
  return 1;
}

static int thread_result(lua_State *L) {
  Thread *t = check(L);
  if (!join(L, t)) {
    luaL_pushfail(L);
    lua_pushliteral(L, "timeout");
    return 2;
  }
  lua_getiuservalue(L, 1, THREAD_CALL);
  if (t->failed) {
    lua_getiuservalue(L, 1, THREAD_TRACEBACK);
    error_remember_traceback(L, -2);
    return lua_error(L);
  }
  if (t->nvalues > INT_MAX - 8 || !lua_checkstack(L, (int)t->nvalues + 1)) return luaL_error(L, "too many results");
  int values = lua_gettop(L);
  for (lua_Integer i = 1; i <= t->nvalues; i++) lua_rawgeti(L, values, i);
  return (int)t->nvalues;
}

/* A timer that has not called yet ends without calling, one that has goes on; any other thread is asked to stop. */
static int thread_cancel(lua_State *L) {
  Thread *t = check(L);
  Tstate *self = park_self(L);
  lua_settop(L, 2);
  bool alive = thread_alive(t);
  if (t->timer && !t->called && t->state != THREAD_DONE) {
    t->called_off = alive = true;
    park_grant_all(self, &t->delaying);
  } else if (alive && t->timer) {
    alive = false; /* it has fired */
  } else if (alive) {
    request_cancel(L, self, t->ts, lua_isnil(L, 2) ? 0 : 2);
  }
  lua_pushboolean(L, alive);
  return 1;
}

/* The system's id is known as soon as the new thread runs, which needs no lock. */
static pid_t native_id(const Thread *t) {
  if (t->ts == NULL) return t->native_id;
  Tstate *self = tstate_self();
  pid_t id = atomic_load_explicit(&t->ts->gil.tid, memory_order_relaxed);
  if (id != 0 || self == NULL) return id;
  Tstate *ts = t->ts; /* stays: a thread that has not begun cannot end without the lock, which comes back first */
  blocking_begin_brief(self, "native_id");
  while ((id = atomic_load_explicit(&ts->gil.tid, memory_order_relaxed)) == 0) {
    _Atomic uint32_t never = 0;
    futex_wait(&never, 0, clock_ns() + 20000);
  }
  blocking_end(self);
  return id;
}

static bool thread_get(lua_State *L, void *object, const char *field) {
  Thread *t = object;
  if (strcmp(field, "name") == 0) thread_push_name(L, 1);
  else if (strcmp(field, "daemon") == 0) lua_pushboolean(L, t->daemon);
  else if (strcmp(field, "ident") == 0) t->ident != 0 ? lua_pushinteger(L, t->ident) : lua_pushnil(L);
  else if (strcmp(field, "native_id") == 0) t->ident != 0 ? lua_pushinteger(L, native_id(t)) : lua_pushnil(L);
  else if (strcmp(field, "waits_for") == 0) lua_pushstring(L, thread_alive(t) ? tstate_waits_for(t->ts) : NULL);
  else return false;
  return true;
}

static bool thread_set(lua_State *L, void *object, const char *field) {
  Thread *t = object;
  if (strcmp(field, "name") == 0) {
    if (!lua_isstring(L, 3)) object_refuse(L, field, "string");
    lua_settop(L, 3);
    lua_tostring(L, 3); /* a number becomes a string in its place */
    lua_setiuservalue(L, 1, THREAD_NAME);
  } else if (strcmp(field, "daemon") == 0) {
    if (t->state != THREAD_NEW) luaL_error(L, "daemon cannot be set once a thread is started");
    t->daemon = object_flag(L, field);
  } else {
    return false;
  }
  return true;
}

static int thread_tostring(lua_State *L) {
  static const char *const states[] = {"new", "running", "done"};
  Thread *t = check(L);
  thread_alive(t);
  thread_push_name(L, 1);
  lua_pushfstring(L, "%s(%s, %s%s)", t->timer ? "Timer" : "Thread", text_push_shown(L, -1), states[t->state], t->daemon ? ", daemon" : "");
  return 1;
}

static const luaL_Reg thread_methods[] = {
    {"cancel", thread_cancel}, {"is_alive", thread_is_alive},  {"join", thread_join_method},
    {"result", thread_result}, {"start", thread_start_method}, {NULL, NULL},
};

static const luaL_Reg thread_meta[] = {{"__tostring", thread_tostring}, {NULL, NULL}};

static const char *const thread_fields[] = {"name", "daemon", "ident", "native_id", "waits_for", NULL};

const ObjectType thread_type = {.name = "gilua.Thread",
                                .size = sizeof(Thread),
                                .methods = thread_methods,
                                .meta = thread_meta,
                                .fields = thread_fields,
                                .get = thread_get,
                                .set = thread_set};
