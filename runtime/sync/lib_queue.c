/* gilua.queue: Queue([maxsize = 0]), LifoQueue([maxsize]), SimpleQueue().
 *
 *   q:put(item [, block = true [, timeout]]) -> true or nil, "full" | "timeout" | "shutdown"
 *   q:get([block = true [, timeout]]) -> item or nil, "empty" | "timeout" | "shutdown"
 *   q:put_nowait(item)   q:get_nowait()   q:qsize()   q:empty()   q:full()
 *   q:task_done()   q:join([timeout]) -> boolean   q:shutdown([immediate = false])   for item in q:items() do … end
 */
#include "runtime/sync/lib_queue.h"

#include <lauxlib.h>

#include "runtime/state/order.h"

/* A put comes before the gets that follow; where there is a bound a get comes before the puts that follow, too. */
static inline void order_put(Tstate *ts, const Queue *q) {
  if (q->maxsize > 0) order_acquire(ts, q);
  order_release(ts, q);
}

static inline void order_get(Tstate *ts, const Queue *q) {
  order_acquire(ts, q);
  if (q->maxsize > 0) order_release(ts, q);
}

bool lib_queue_args(lua_State *L, int i, int64_t *deadline) {
  bool blocking = park_blocking(L, i), poll;
  *deadline = park_timeout(L, i + 1, &poll);
  return blocking && !poll;
}

int lib_queue_refuse(lua_State *L, Tstate *ts, QueueResult result, ParkResult parked) {
  static const char *const reasons[] = {NULL, "empty", "full", "timeout", "shutdown"};
  if (result == QUEUE_TIMEOUT) park_check(L, ts, parked);
  luaL_pushfail(L);
  lua_pushstring(L, reasons[result]);
  return 2;
}

static const ObjectType lifo_queue_type, simple_queue_type;

/* What put and get of this file serve. */
static __attribute__((noinline)) QueueObject *test_other_ring(lua_State *L) {
  QueueObject *o = object_test(L, 1, &simple_queue_type);
  return o != NULL ? o : object_test(L, 1, &lifo_queue_type);
}

static inline QueueObject *test_ring(lua_State *L) {
  QueueObject *o = object_test(L, 1, &queue_type);
  return o != NULL ? o : test_other_ring(L);
}

static inline QueueObject *check_ring(lua_State *L) {
  QueueObject *o = test_ring(L);
  if (o == NULL) luaL_typeerror(L, 1, queue_type.name);
  return o;
}

QueueObject *lib_queue_check(lua_State *L) {
  QueueObject *o = test_ring(L);
  if (o == NULL) o = object_test(L, 1, &priority_queue_type);
  if (o == NULL) luaL_typeerror(L, 1, "queue");
  return o;
}

/* Waits for a place or an item; 0 when there is one, else the number of results that say why not. Out of line, to keep
 * the way that needs no wait short. */
static __attribute__((noinline)) int await_place(lua_State *L, Tstate *ts, QueueObject *o, bool may_wait,
                                                 int64_t deadline) {
  ParkResult parked;
  QueueResult result = queue_await_place(ts, &o->queue, may_wait, deadline, &parked);
  return result == QUEUE_OK ? 0 : lib_queue_refuse(L, ts, result, parked);
}

static __attribute__((noinline)) int await_item(lua_State *L, Tstate *ts, QueueObject *o, bool may_wait,
                                                int64_t deadline) {
  ParkResult parked;
  QueueResult result = queue_await_item(ts, &o->queue, may_wait, deadline, &parked);
  return result == QUEUE_OK ? 0 : lib_queue_refuse(L, ts, result, parked);
}

static inline int put(lua_State *L, bool may_wait, int64_t deadline) {
  QueueObject *o = check_ring(L);
  Queue *q = &o->queue;
  Tstate *ts = park_self(L);
  luaL_argexpected(L, !lua_isnoneornil(L, 2), 2, "value other than nil");
  lib_queue_fit(L, o);
  if (q->shut || !queue_has_place(q)) {
    int refused = await_place(L, ts, o, may_wait, deadline);
    if (refused != 0) return refused;
  }
  lua_getiuservalue(L, 1, 1);
  lua_pushvalue(L, 2);
  lua_rawseti(L, -2, ring_slot(&o->ring, q->count));
  q->count++;
  order_put(ts, q);
  q->unfinished++;
  if (!waitq_empty(&q->getters)) queue_settle(ts, q);
  lua_pushboolean(L, 1);
  return 1;
}

static int queue_put(lua_State *L) {
  int64_t deadline = CLOCK_NEVER;
  bool may_wait = lua_gettop(L) <= 2 || lib_queue_args(L, 3, &deadline);
  return put(L, may_wait, deadline);
}

static int queue_put_nowait(lua_State *L) { return put(L, false, CLOCK_NEVER); }

static inline int get(lua_State *L, bool may_wait, int64_t deadline) {
  QueueObject *o = check_ring(L);
  Queue *q = &o->queue;
  Tstate *ts = park_self(L);
  if (!queue_has_item(q)) {
    int refused = await_item(L, ts, o, may_wait, deadline);
    if (refused != 0) return refused;
  }
  lua_getiuservalue(L, 1, 1);
  ring_take(L, ring_slot(&o->ring, o->lifo ? q->count - 1 : 0));
  if (!o->lifo) o->ring.head = (o->ring.head + 1) & (o->ring.capacity - 1);
  q->count--;
  order_get(ts, q);
  if (!waitq_empty(&q->putters)) queue_settle(ts, q);
  return 1;
}

static int queue_get(lua_State *L) {
  int64_t deadline = CLOCK_NEVER;
  bool may_wait = lua_gettop(L) <= 1 || lib_queue_args(L, 2, &deadline);
  return get(L, may_wait, deadline);
}

static int queue_get_nowait(lua_State *L) { return get(L, false, CLOCK_NEVER); }

int lib_queue_qsize(lua_State *L) {
  const Queue *q = &lib_queue_check(L)->queue;
  lua_pushinteger(L, q->count - q->promised);
  return 1;
}

int lib_queue_empty(lua_State *L) {
  lua_pushboolean(L, !queue_has_item(&lib_queue_check(L)->queue));
  return 1;
}

int lib_queue_full(lua_State *L) {
  lua_pushboolean(L, !queue_has_place(&lib_queue_check(L)->queue));
  return 1;
}

int lib_queue_task_done(lua_State *L) {
  QueueObject *o = lib_queue_check(L);
  Tstate *ts = park_self(L);
  order_meet(ts, &o->queue.unfinished); /* so the last one comes behind all */
  if (!queue_finish(ts, &o->queue, 1)) return luaL_error(L, "task_done called more often than put");
  return 0;
}

int lib_queue_join(lua_State *L) {
  QueueObject *o = lib_queue_check(L);
  bool poll;
  int64_t deadline = park_timeout(L, 2, &poll);
  bool done = o->queue.unfinished == 0;
  Tstate *ts = park_self(L);
  if (done) order_acquire(ts, &o->queue.unfinished);
  if (!done && !poll) {
    done = park_check(L, ts, park(ts, &o->queue.joiners, deadline, "queue join", o));
  }
  lua_pushboolean(L, done);
  return 1;
}

/* Throws away every item that nobody was promised. */
static void drain(lua_State *L, Tstate *ts, QueueObject *o) {
  Queue *q = &o->queue;
  lua_Integer dropped = q->count - q->promised;
  lua_getiuservalue(L, 1, 1);
  for (; q->count > q->promised; q->count--) {
    lua_pushnil(L);
    lua_rawseti(L, -2, ring_slot(&o->ring, q->count - 1));
  }
  queue_finish(ts, q, dropped < q->unfinished ? dropped : q->unfinished);
}

int lib_queue_shutdown(lua_State *L) {
  QueueObject *o = lib_queue_check(L);
  Tstate *ts = park_self(L);
  if (!lua_isnoneornil(L, 2)) luaL_checktype(L, 2, LUA_TBOOLEAN); /* not {immediate = false}, which would throw items away */
  if (o->guard.holder == ts->ident) return luaL_error(L, "a PriorityQueue cannot be shut down by its own comparison");
  queue_shut(ts, &o->queue);
  if (!lua_toboolean(L, 2)) return 0;
  park_check(L, ts, lock_acquire(ts, &o->guard, CLOCK_NEVER));
  drain(L, ts, o);
  lock_release(ts, &o->guard);
  return 0;
}

/* the iterator of items, () -> item, or nil at shutdown; upvalue: the queue, so that map takes it as it takes any other */
static int next_item(lua_State *L) {
  lua_settop(L, 0);
  lua_getfield(L, lua_upvalueindex(1), "get");
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_call(L, 1, 1);
  return 1;
}

int lib_queue_items(lua_State *L) {
  lib_queue_check(L);
  lua_settop(L, 1);
  lua_pushcclosure(L, next_item, 1);
  return 1;
}

static const luaL_Reg queue_methods[] = {
    {"empty", lib_queue_empty},       {"full", lib_queue_full},
    {"get", queue_get},               {"get_nowait", queue_get_nowait},
    {"items", lib_queue_items},       {"join", lib_queue_join},
    {"put", queue_put},               {"put_nowait", queue_put_nowait},
    {"qsize", lib_queue_qsize},       {"shutdown", lib_queue_shutdown},
    {"task_done", lib_queue_task_done}, {NULL, NULL},
};

void lib_queue_describe(lua_State *L, void *object) {
  const Queue *q = &((QueueObject *)object)->queue;
  lua_pushfstring(L, q->maxsize > 0 ? "%I of %I items" : "%I items", (LUAI_UACINT)(q->count - q->promised), (LUAI_UACINT)q->maxsize);
  if (q->shut) lua_pushfstring(L, "%s, shut down", lua_tostring(L, -1));
}

const ObjectType queue_type = {
    .name = "gilua.Queue", .size = sizeof(QueueObject), .methods = queue_methods, .describe = lib_queue_describe};
static const ObjectType lifo_queue_type = {
    .name = "gilua.LifoQueue", .size = sizeof(QueueObject), .methods = queue_methods, .describe = lib_queue_describe};
static const ObjectType simple_queue_type = {
    .name = "gilua.SimpleQueue", .size = sizeof(QueueObject), .methods = queue_methods, .describe = lib_queue_describe};

QueueObject *lib_queue_new(lua_State *L, const ObjectType *type) {
  lua_Integer maxsize = luaL_optinteger(L, 1, 0);
  QueueObject *o = object_new(L, type, type == &priority_queue_type ? 3 : 2);
  o->queue.maxsize = maxsize > 0 ? maxsize : 0;
  ring_init(L, &o->ring);
  lua_setiuservalue(L, -2, 1);
  return o;
}

static int new_queue(lua_State *L) {
  object_check_last(L, 1);
  lib_queue_new(L, &queue_type);
  return 1;
}

static int new_lifo(lua_State *L) {
  object_check_last(L, 1);
  lib_queue_new(L, &lifo_queue_type)->lifo = true;
  return 1;
}

static int new_simple(lua_State *L) {
  luaL_argcheck(L, lua_isnoneornil(L, 1), 1, "a SimpleQueue has no bound");
  lua_settop(L, 0);
  lib_queue_new(L, &simple_queue_type);
  return 1;
}

int lib_queue_open(lua_State *L) {
  static const luaL_Reg funcs[] = {
      {"LifoQueue", new_lifo}, {"Queue", new_queue}, {"SimpleQueue", new_simple}, {NULL, NULL}};
  luaL_newlib(L, funcs);
  lib_priority_queue_add(L);
  return 1;
}
