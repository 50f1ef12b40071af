/* queue.PriorityQueue([maxsize [, less]]): the smallest item first, by less(a, b) or a < b. The methods are those of
 * Queue.
 *
 * A binary heap in the slots of the ring. Comparing may run Lua code, and so let other threads in: `guard` keeps them
 * off the heap. It may also fail: every comparison of an operation is made before anything moves, so that an error
 * leaves the queue as it was.
 *
 * A finalizer may come amid a comparison, and cannot wait for its end: what it puts is kept aside, in a list of late
 * items, each with its reserved place, and whoever has the guard puts them into the heap before giving it up.
 */
#include <lauxlib.h>

#include "runtime/state/error.h"
#include "runtime/state/finalizer.h"
#include "runtime/sync/lib_queue.h"

enum { ITEMS = 3, DEEPEST = 64, LATE = 3 };

/* Is the value at index a less than the one at b? The comparison is user value 2 of the queue at 1. */
static bool less(lua_State *L, int a, int b) {
  a = lua_absindex(L, a);
  b = lua_absindex(L, b);
  if (lua_getiuservalue(L, 1, 2) == LUA_TNIL) {
    lua_pop(L, 1);
    return lua_compare(L, a, b, LUA_OPLT);
  }
  lua_pushvalue(L, a);
  lua_pushvalue(L, b);
  lua_call(L, 2, 1);
  bool is = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return is;
}

/* less for the items in two slots, or an item and the value at index b if slot is 0. */
static bool slot_less(lua_State *L, lua_Integer slot_a, lua_Integer slot_b, int b) {
  lua_rawgeti(L, ITEMS, slot_a);
  if (slot_b != 0) lua_rawgeti(L, ITEMS, slot_b);
  else lua_pushvalue(L, b);
  bool is = less(L, -2, -1);
  lua_pop(L, 2);
  return is;
}

static void move_slot(lua_State *L, lua_Integer to, lua_Integer from) {
  lua_rawgeti(L, ITEMS, from);
  lua_rawseti(L, ITEMS, to);
}

/* All comparisons are made; while they ran, another thread's put may have made the ring larger. */
static void renew_items(lua_State *L) {
  lua_getiuservalue(L, 1, 1);
  lua_replace(L, ITEMS);
}

/* (queue, item): puts the item into the heap. */
static void insert(lua_State *L, QueueObject *o) {
  lua_getiuservalue(L, 1, 1);
  lua_Integer last = o->queue.count + 1, place = last;
  for (; place > 1; place /= 2) {
    lua_rawgeti(L, ITEMS, place / 2);
    bool rises = less(L, 2, -1);
    lua_pop(L, 1);
    if (!rises) break;
  }
  renew_items(L);
  for (lua_Integer i = last; i > place; i /= 2) move_slot(L, i, i / 2);
  lua_pushvalue(L, 2);
  lua_rawseti(L, ITEMS, place);
  o->queue.count++;
}

/* (queue, item) -> done: not if the queue was shut down before its turn came. Protected: may raise before anything has
 * changed. */
static int heap_put(lua_State *L) {
  QueueObject *o = lua_touserdata(L, 1);
  if (o->queue.shut) return 0;
  insert(L, o);
  o->queue.unfinished++;
  lua_pushboolean(L, 1);
  return 1;
}

/* (queue, item): it was accepted and counted when it came. */
static int heap_put_late(lua_State *L) {
  insert(L, lua_touserdata(L, 1));
  return 0;
}

/* The way down that the last item (on top of the stack) takes from the root of a heap of n others; returns its length. */
static int way_down(lua_State *L, lua_Integer n, lua_Integer way[DEEPEST]) {
  int steps = 0, last = lua_gettop(L);
  for (lua_Integer child = 2; child <= n; child *= 2) {
    if (child < n && slot_less(L, child + 1, child, 0)) child++;
    if (!slot_less(L, child, 0, last)) break;
    way[steps++] = child;
  }
  return steps;
}

/* (queue, nil) -> item: takes the root out of the heap. Protected, like heap_put. */
static int heap_get(lua_State *L) {
  QueueObject *o = lua_touserdata(L, 1);
  lua_getiuservalue(L, 1, 1);
  lua_Integer n = o->queue.count, way[DEEPEST], place = 1;
  lua_rawgeti(L, ITEMS, 1);
  lua_rawgeti(L, ITEMS, n);
  int steps = way_down(L, n - 1, way);
  renew_items(L);
  for (int i = 0; i < steps; i++) {
    move_slot(L, place, way[i]);
    place = way[i];
  }
  lua_rawseti(L, ITEMS, place);
  lua_pushnil(L);
  lua_rawseti(L, ITEMS, n);
  o->queue.count--;
  return 1;
}

/* Puts the late item on top of the stack into the heap, and pops it. What its comparison raises is a warning, as an error of
 * the finalizer would have been. */
static void put_late(lua_State *L, Tstate *ts, QueueObject *o) {
  lua_pushcfunction(L, heap_put_late);
  lua_pushvalue(L, 1);
  lua_pushvalue(L, -3);
  bool ok = error_call(L, 2, 0) == LUA_OK;
  o->queue.reserved--;
  if (!ok) {
    lua_warning(L, "a PriorityQueue has lost an item that a finalizer put: ", 1);
    lua_warning(L, error_push_report(L, -1), 0);
    lua_pop(L, 2);
    queue_finish(ts, &o->queue, 1);
  }
  lua_pop(L, 1);
}

/* With the guard: what finalizers have put meanwhile. As in them nothing waits and no request is raised. */
static void put_all_late(lua_State *L, Tstate *ts, QueueObject *o) {
  bool serving = ts->serving;
  if (o->late == 0) return;
  luaL_checkstack(L, 8, NULL);
  ts->serving = true;
  while (o->late > 0) {
    lua_getiuservalue(L, 1, LATE);
    lua_rawgeti(L, -1, o->late);
    lua_pushnil(L);
    lua_rawseti(L, -3, o->late--);
    lua_remove(L, -2);
    put_late(L, ts, o);
  }
  ts->serving = serving;
}

/* In a finalizer, while somebody has the guard. */
static int keep_late(lua_State *L, QueueObject *o) {
  lua_getiuservalue(L, 1, LATE);
  if (lua_isnil(L, -1)) {
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, 1, LATE);
  }
  lua_pushvalue(L, 2);
  lua_rawseti(L, -2, o->late + 1);
  o->late++;
  o->queue.reserved++;
  o->queue.unfinished++;
  lua_pushboolean(L, 1);
  return 1;
}

/* Runs an operation on the heap, alone. The queue is at 1, its argument at 2; the result, if any, is on top. The item or
 * place that this thread may have stays claimed meanwhile, in *claims. false: the deadline passed before its turn. */
static bool alone(lua_State *L, Tstate *ts, QueueObject *o, lua_CFunction operation, lua_Integer *claims,
                  int64_t deadline) {
  ++*claims;
  ParkResult got = lock_acquire(ts, &o->guard, deadline);
  int status = LUA_OK;
  if (got == PARK_GRANTED) {
    lua_pushcfunction(L, operation);
    lua_pushvalue(L, 1);
    lua_pushvalue(L, 2);
    status = error_call(L, 2, 1);
    put_all_late(L, ts, o);
    lock_release(ts, &o->guard);
  }
  --*claims;
  queue_settle(ts, &o->queue);
  if (status != LUA_OK) error_pass_on(L, status);
  return park_check(L, ts, got);
}

static bool must_be_late(const Tstate *ts, const QueueObject *o) { return o->guard.holder != 0 && waits_forbidden(ts); }

static QueueObject *check(lua_State *L, Tstate *ts, bool puts) {
  QueueObject *o = object_check(L, 1, &priority_queue_type);
  if (o->guard.holder == ts->ident && !(puts && must_be_late(ts, o))) luaL_error(L, "a PriorityQueue cannot be used inside its own comparison");
  return o;
}

static int put(lua_State *L, bool may_wait, int64_t deadline) {
  Tstate *ts = park_self(L);
  QueueObject *o = check(L, ts, true);
  luaL_argexpected(L, !lua_isnoneornil(L, 2), 2, "value other than nil");
  lib_queue_fit(L, o);
  ParkResult parked;
  QueueResult result = queue_await_place(ts, &o->queue, may_wait, deadline, &parked);
  if (result != QUEUE_OK) return lib_queue_refuse(L, ts, result, parked);
  if (must_be_late(ts, o)) return keep_late(L, o);
  if (!alone(L, ts, o, heap_put, &o->queue.reserved, deadline))
    return lib_queue_refuse(L, ts, QUEUE_TIMEOUT, PARK_TIMEOUT);
  return lua_isnil(L, -1) ? lib_queue_refuse(L, ts, QUEUE_SHUTDOWN, PARK_GRANTED) : 1;
}

static int priority_put(lua_State *L) {
  int64_t deadline = CLOCK_NEVER;
  bool may_wait = lua_gettop(L) <= 2 || lib_queue_args(L, 3, &deadline);
  return put(L, may_wait, deadline);
}

static int priority_put_nowait(lua_State *L) { return put(L, false, CLOCK_NEVER); }

static int get(lua_State *L, bool may_wait, int64_t deadline) {
  Tstate *ts = park_self(L);
  QueueObject *o = check(L, ts, false);
  ParkResult parked;
  QueueResult result = queue_await_item(ts, &o->queue, may_wait, deadline, &parked);
  if (result != QUEUE_OK) return lib_queue_refuse(L, ts, result, parked);
  lua_settop(L, 1);
  lua_pushnil(L);
  if (!alone(L, ts, o, heap_get, &o->queue.promised, deadline))
    return lib_queue_refuse(L, ts, QUEUE_TIMEOUT, PARK_TIMEOUT);
  return 1;
}

static int priority_get(lua_State *L) {
  int64_t deadline = CLOCK_NEVER;
  bool may_wait = lua_gettop(L) <= 1 || lib_queue_args(L, 2, &deadline);
  return get(L, may_wait, deadline);
}

static int priority_get_nowait(lua_State *L) { return get(L, false, CLOCK_NEVER); }

static const luaL_Reg priority_methods[] = {
    {"empty", lib_queue_empty},         {"full", lib_queue_full},
    {"get", priority_get},              {"get_nowait", priority_get_nowait},
    {"items", lib_queue_items},         {"join", lib_queue_join},
    {"put", priority_put},              {"put_nowait", priority_put_nowait},
    {"qsize", lib_queue_qsize},         {"shutdown", lib_queue_shutdown},
    {"task_done", lib_queue_task_done}, {NULL, NULL},
};

const ObjectType priority_queue_type = {
    .name = "gilua.PriorityQueue", .size = sizeof(QueueObject), .methods = priority_methods, .describe = lib_queue_describe};

static int new_priority(lua_State *L) {
  object_check_last(L, 2);
  lua_settop(L, 2);
  if (!lua_isnil(L, 2)) object_check_callable(L, 2);
  lib_queue_new(L, &priority_queue_type);
  lua_pushvalue(L, 2);
  lua_setiuservalue(L, -2, 2);
  return 1;
}

void lib_priority_queue_add(lua_State *L) {
  lua_pushcfunction(L, new_priority);
  lua_setfield(L, -2, "PriorityQueue");
}
