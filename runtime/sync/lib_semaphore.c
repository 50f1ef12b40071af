/* threading.Semaphore([n = 1]) and threading.BoundedSemaphore([n = 1]).
 *
 *   sem:acquire([blocking = true [, timeout]]) -> boolean     sem:release([n = 1])
 *   local _ <close> = sem:hold()                              sem:with(f, ...) -> results of f(...)
 *
 * A BoundedSemaphore that is released more often than it was acquired raises an error.
 */
#include <lauxlib.h>

#include "runtime/state/order.h"
#include "runtime/sync/lib_sync.h"

typedef struct SemaphoreObject {
  ObjectHead head;
  lua_Integer value; /* [G] free permits; 0 while somebody waits */
  lua_Integer bound; /* [i] LUA_MAXINTEGER if it has none */
  Waitq waiters;     /* [G] */
} SemaphoreObject;

static const ObjectType semaphore_type, bounded_type;

static inline SemaphoreObject *check(lua_State *L) { return object_check_either(L, 1, &semaphore_type, &bounded_type); }

/* Who waits gets permits first; the others are free. */
static void give(Tstate *ts, SemaphoreObject *s, lua_Integer n) {
  order_release(ts, s);
  for (; n > 0 && !waitq_empty(&s->waiters); n--) park_grant_first(ts, &s->waiters, false);
  s->value += n;
}

static bool claim(Tstate *ts, Waiter *w) {
  SemaphoreObject *s = (SemaphoreObject *)w->object;
  if (s->value == 0) return false;
  s->value--;
  order_acquire(ts, s);
  return true;
}

/* Takes a permit if there is one; else waits. */
static ParkResult acquire(Tstate *ts, SemaphoreObject *s, int64_t deadline) {
  if (s->value > 0) {
    s->value--;
    order_acquire(ts, s);
    return PARK_GRANTED;
  }
  ParkResult result = park_claim(ts, &s->waiters, deadline, "semaphore", s, claim);
  if (result != PARK_GRANTED || !park_leaves(ts)) return result;
  give(ts, s, 1);
  return PARK_REQUESTED;
}

static int semaphore_acquire(lua_State *L) {
  SemaphoreObject *s = check(L);
  Tstate *ts = park_self(L);
  int64_t deadline = CLOCK_NEVER;
  bool may_wait = lua_gettop(L) == 1 || sync_acquire_args(L, &deadline);
  lua_pushboolean(L, (s->value > 0 || may_wait) && park_check(L, ts, acquire(ts, s, deadline)));
  return 1;
}

static void release(lua_State *L, SemaphoreObject *s, lua_Integer n) {
  if (n > s->bound - s->value)
    luaL_error(L, s->bound == LUA_MAXINTEGER ? "a Semaphore cannot count so far"
                                             : "BoundedSemaphore released more often than it was acquired");
  give(park_self(L), s, n);
}

static int semaphore_release(lua_State *L) {
  SemaphoreObject *s = check(L);
  lua_Integer n = luaL_optinteger(L, 2, 1);
  luaL_argcheck(L, n >= 1, 2, "must be one or more");
  release(L, s, n);
  return 0;
}

static int semaphore_close(lua_State *L) {
  release(L, check(L), 1);
  return 0;
}

static int semaphore_hold(lua_State *L) {
  SemaphoreObject *s = check(L);
  Tstate *ts = park_self(L);
  park_check(L, ts, acquire(ts, s, CLOCK_NEVER));
  ts->just_held = true;
  lua_settop(L, 1);
  return 1;
}

static int semaphore_with(lua_State *L) {
  SemaphoreObject *s = check(L);
  Tstate *ts = park_self(L);
  object_check_callable(L, 2);
  park_check(L, ts, acquire(ts, s, CLOCK_NEVER));
  return sync_with(L);
}

static const luaL_Reg semaphore_methods[] = {
    {"acquire", semaphore_acquire}, {"hold", semaphore_hold}, {"release", semaphore_release}, {"with", semaphore_with},
    {NULL, NULL}};

static const luaL_Reg semaphore_meta[] = {{"__close", semaphore_close}, {NULL, NULL}};

/* "2 free", "2 of 3 free" */
static void describe(lua_State *L, void *object) {
  const SemaphoreObject *s = object;
  if (s->bound == LUA_MAXINTEGER) lua_pushfstring(L, "%I free", (LUAI_UACINT)s->value);
  else lua_pushfstring(L, "%I of %I free", (LUAI_UACINT)s->value, (LUAI_UACINT)s->bound);
}

static const ObjectType semaphore_type = {.name = "gilua.Semaphore",
                                          .size = sizeof(SemaphoreObject),
                                          .methods = semaphore_methods,
                                          .meta = semaphore_meta,
                                          .describe = describe};

static const ObjectType bounded_type = {.name = "gilua.BoundedSemaphore",
                                        .size = sizeof(SemaphoreObject),
                                        .methods = semaphore_methods,
                                        .meta = semaphore_meta,
                                        .describe = describe};

static int new_semaphore(lua_State *L, bool bounded) {
  object_check_last(L, 1);
  lua_Integer n = luaL_optinteger(L, 1, 1);
  luaL_argcheck(L, n >= 0, 1, "must not be negative");
  SemaphoreObject *s = object_new(L, bounded ? &bounded_type : &semaphore_type, 0);
  s->value = n;
  s->bound = bounded ? n : LUA_MAXINTEGER;
  return 1;
}

static int new_plain(lua_State *L) { return new_semaphore(L, false); }

static int new_bounded(lua_State *L) { return new_semaphore(L, true); }

void lib_semaphore_add(lua_State *L) {
  static const luaL_Reg funcs[] = {{"BoundedSemaphore", new_bounded}, {"Semaphore", new_plain}, {NULL, NULL}};
  luaL_setfuncs(L, funcs, 0);
}
