/* multiprocessing.Event(), Semaphore([n = 1]), BoundedSemaphore([n = 1]): between processes.
 *
 *   event:set()   event:clear()   event:is_set() -> boolean   event:wait([timeout]) -> boolean
 *   sem:acquire([blocking = true [, timeout]]) -> boolean     sem:release([n = 1])     sem:get_value() -> integer
 *   local _ <close> = sem:hold()                              sem:with(f, ...) -> results of f(...)
 *
 * What a process that died had acquired and not released comes back, up to the n of the beginning; whoever gets it has
 * `true, "abandoned"`.
 */
#include "pool/multiprocessing/shared_handle.h"
#include "runtime/shared/semaphore.h"
#include "runtime/sync/lib_sync.h"

static SharedHandle *check_event(lua_State *L) { return shared_check(L, 1, &shared_event_type); }

static int change_event(lua_State *L, bool set) {
  SharedHandle *h = check_event(L);
  Tstate *ts = park_self(L);
  park_check(L, ts, sevent_set(ts, &h->s, set));
  return 0;
}

static int event_set(lua_State *L) { return change_event(L, true); }
static int event_clear(lua_State *L) { return change_event(L, false); }

static int event_is_set(lua_State *L) {
  const SharedEvent *e = (const SharedEvent *)check_event(L)->s.object;
  lua_pushboolean(L, atomic_load_explicit(&e->set, memory_order_acquire) != 0);
  return 1;
}

static int event_wait(lua_State *L) {
  SharedHandle *h = check_event(L);
  Tstate *ts = park_self(L);
  bool poll;
  int64_t deadline = park_timeout(L, 2, &poll);
  lua_pushboolean(L, park_check(L, ts, sevent_wait(ts, &h->s, poll ? 0 : deadline)));
  return 1;
}

static const luaL_Reg event_methods[] = {
    {"clear", event_clear}, {"is_set", event_is_set}, {"set", event_set}, {"wait", event_wait}, {NULL, NULL}};

static SharedHandle *check_semaphore(lua_State *L) {
  SharedHandle *h = object_test(L, 1, &shared_bounded_semaphore_type);
  return h != NULL ? shared_ready(L, h) : shared_check(L, 1, &shared_semaphore_type);
}

static SharedSemaphore *semaphore_of(const SharedHandle *h) { return (SharedSemaphore *)h->s.object; }

static int semaphore_acquire(lua_State *L) {
  SharedHandle *h = check_semaphore(L);
  Tstate *ts = park_self(L);
  int64_t deadline = CLOCK_NEVER;
  bool abandoned;
  if (!sync_acquire_args(L, &deadline)) deadline = 0;
  lua_pushboolean(L, park_check(L, ts, ssemaphore_wait(ts, &h->s, deadline, &abandoned)));
  if (!abandoned) return 1;
  lua_pushliteral(L, "abandoned");
  return 2;
}

static int release(lua_State *L, lua_Integer n) {
  SharedHandle *h = check_semaphore(L);
  Tstate *ts = park_self(L);
  bool refused = false;
  park_check(L, ts, ssemaphore_release(ts, &h->s, n, &refused));
  if (refused) return luaL_error(L, "release of a semaphore more often than it was acquired");
  return 0;
}

static int semaphore_release(lua_State *L) {
  lua_Integer n = luaL_optinteger(L, 2, 1);
  luaL_argcheck(L, n >= 1, 2, "must be at least 1");
  return release(L, n);
}

static int semaphore_close(lua_State *L) { return release(L, 1); }

static int semaphore_hold(lua_State *L) {
  SharedHandle *h = check_semaphore(L);
  Tstate *ts = park_self(L);
  bool abandoned;
  park_check(L, ts, ssemaphore_wait(ts, &h->s, CLOCK_NEVER, &abandoned));
  ts->just_held = true;
  lua_settop(L, 1);
  return 1;
}

static int semaphore_with(lua_State *L) {
  SharedHandle *h = check_semaphore(L);
  Tstate *ts = park_self(L);
  bool abandoned;
  object_check_callable(L, 2);
  park_check(L, ts, ssemaphore_wait(ts, &h->s, CLOCK_NEVER, &abandoned));
  return sync_with(L);
}

static int semaphore_get_value(lua_State *L) {
  int64_t value = ssemaphore_value(semaphore_of(check_semaphore(L)));
  lua_pushinteger(L, value > 0 ? value : 0);
  return 1;
}

static const luaL_Reg semaphore_methods[] = {{"acquire", semaphore_acquire},
                                             {"get_value", semaphore_get_value},
                                             {"hold", semaphore_hold},
                                             {"release", semaphore_release},
                                             {"with", semaphore_with},
                                             {NULL, NULL}};

static const luaL_Reg event_meta[] = {{"__gc", shared_collect}, {"__reduce", shared_reduce}, {NULL, NULL}};
static const luaL_Reg semaphore_meta[] = {
    {"__close", semaphore_close}, {"__gc", shared_collect}, {"__reduce", shared_reduce}, {NULL, NULL}};

const ObjectType shared_event_type = {
    .name = "gilua.multiprocessing.Event", .size = sizeof(SharedHandle), .methods = event_methods, .meta = event_meta,
    .describe = shared_describe};
const ObjectType shared_semaphore_type = {.name = "gilua.multiprocessing.Semaphore",
                                          .size = sizeof(SharedHandle),
                                          .methods = semaphore_methods,
                                          .meta = semaphore_meta,
                                          .describe = shared_describe};
const ObjectType shared_bounded_semaphore_type = {.name = "gilua.multiprocessing.BoundedSemaphore",
                                                  .size = sizeof(SharedHandle),
                                                  .methods = semaphore_methods,
                                                  .meta = semaphore_meta,
                                                  .describe = shared_describe};

static int new_event(lua_State *L) {
  object_check_last(L, 0);
  shared_push_new(L, SHARED_EVENT, sizeof(SharedEvent));
  return 1;
}

static int make_semaphore(lua_State *L, SharedKind kind) {
  object_check_last(L, 1);
  lua_Integer n = luaL_optinteger(L, 1, 1);
  luaL_argcheck(L, n >= 0 && n <= INT32_MAX, 1, "must be from 0 to 2147483647");
  semaphore_of(shared_push_new(L, kind, sizeof(SharedSemaphore)))->initial = n;
  return 1;
}

static int new_semaphore(lua_State *L) { return make_semaphore(L, SHARED_SEMAPHORE); }
static int new_bounded_semaphore(lua_State *L) { return make_semaphore(L, SHARED_BOUNDED_SEMAPHORE); }

void lib_shared_event_add(lua_State *L) {
  static const luaL_Reg funcs[] = {{"Event", new_event},
                                   {"Semaphore", new_semaphore},
                                   {"BoundedSemaphore", new_bounded_semaphore},
                                   {NULL, NULL}};
  luaL_setfuncs(L, funcs, 0);
}
