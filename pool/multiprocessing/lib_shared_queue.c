/* multiprocessing.Queue([maxsize]), JoinableQueue([maxsize]), SimpleQueue(): between processes.
 *
 *   q:put(item [, block = true [, timeout]]) -> true or nil, "full" | "timeout" | "closed"
 *   q:get([block = true [, timeout]]) -> item or nil, "empty" | "timeout" | "closed"
 *   q:put_nowait(item)   q:get_nowait()   q:qsize()   q:empty()   q:full()   q:close()
 *   q:task_done()   q:join([timeout]) -> boolean                             of a JoinableQueue
 *
 * Items are all values but nil, by gilua.pickle, of any size; those of one producer come out in the order in which they were put.
 * What was put whole is there once, whoever dies; what was half put is not. close() gives up the queue here: other
 * processes go on, and threads of this one that wait have "closed", join false.
 */
#include "pool/multiprocessing/shared_item.h"
#include "runtime/sync/lib_sync.h"

static SharedHandle *check_other(lua_State *L) {
  SharedHandle *h = object_test(L, 1, &shared_simple_queue_type);
  if (h == NULL) h = object_test(L, 1, &shared_joinable_queue_type);
  if (h == NULL) luaL_typeerror(L, 1, "queue of gilua.multiprocessing");
  return h;
}

static inline SharedHandle *check(lua_State *L) {
  SharedHandle *h = object_test(L, 1, &shared_queue_type);
  return shared_ready(L, h != NULL ? h : check_other(L));
}

static SharedQueue *queue_of(const SharedHandle *h) { return (SharedQueue *)h->s.object; }

/* The arguments (block, timeout) at i: when to give up; 0: at once. */
static int64_t deadline_at(lua_State *L, int i) {
  if (lua_gettop(L) < i) return CLOCK_NEVER;
  bool blocking = park_blocking(L, i), poll;
  int64_t deadline = park_timeout(L, i + 1, &poll);
  return blocking && !poll ? deadline : 0;
}

static int refuse(lua_State *L, const char *at_once, int64_t deadline) {
  luaL_pushfail(L);
  lua_pushstring(L, deadline == 0 ? at_once : "timeout");
  return 2;
}

static int put(lua_State *L, int64_t deadline) {
  SharedHandle *h = check(L);
  Tstate *ts = park_self(L);
  SQueueResult result;
  luaL_argexpected(L, !lua_isnoneornil(L, 2), 2, "value other than nil");
  if (!park_check(L, ts, shared_item_put(L, ts, h, 2, deadline, &result))) return refuse(L, "full", deadline);
  if (result == SQUEUE_CLOSED) return refuse(L, "closed", 0);
  lua_pushboolean(L, 1);
  return 1;
}

static int queue_put(lua_State *L) { return put(L, deadline_at(L, 3)); }
static int queue_put_nowait(lua_State *L) { return put(L, 0); }

static int get(lua_State *L, int64_t deadline) {
  SharedHandle *h = check(L);
  Tstate *ts = park_self(L);
  SQueueResult result;
  if (!park_check(L, ts, shared_item_get(L, ts, h, false, deadline, &result))) return refuse(L, "empty", deadline);
  return result == SQUEUE_CLOSED ? refuse(L, "closed", 0) : 1;
}

static int queue_get(lua_State *L) { return get(L, deadline_at(L, 2)); }
static int queue_get_nowait(lua_State *L) { return get(L, 0); }

static int queue_qsize(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)squeue_count(queue_of(check(L))));
  return 1;
}

static int queue_empty(lua_State *L) {
  lua_pushboolean(L, squeue_count(queue_of(check(L))) == 0);
  return 1;
}

static int queue_full(lua_State *L) {
  const SharedQueue *q = queue_of(check(L));
  lua_pushboolean(L, q->most != 0 && squeue_count(q) >= q->most);
  return 1;
}

static int queue_close(lua_State *L) {
  SharedHandle *h = object_test(L, 1, &shared_queue_type);
  shared_close(h != NULL ? h : check_other(L));
  return 0;
}

static int queue_task_done(lua_State *L) {
  SharedHandle *h = shared_check(L, 1, &shared_joinable_queue_type);
  Tstate *ts = park_self(L);
  bool refused = false;
  shared_use(h);
  ParkResult result = squeue_task_done(ts, &h->s, &refused);
  shared_unuse(h);
  park_check(L, ts, result);
  return refused ? luaL_error(L, "task_done called more often than put") : 0;
}

static int queue_join(lua_State *L) {
  SharedHandle *h = shared_check(L, 1, &shared_joinable_queue_type);
  Tstate *ts = park_self(L);
  bool poll;
  int64_t deadline = park_timeout(L, 2, &poll);
  shared_use(h);
  ParkResult result = squeue_join(ts, &h->s, poll ? 0 : deadline);
  shared_unuse(h);
  lua_pushboolean(L, park_check(L, ts, result));
  return 1;
}

#define QUEUE_METHODS                                                                                                 \
  {"close", queue_close}, {"empty", queue_empty}, {"full", queue_full}, {"get", queue_get}, {"get_nowait", queue_get_nowait}, \
      {"put", queue_put}, {"put_nowait", queue_put_nowait}, {"qsize", queue_qsize}

static const luaL_Reg queue_methods[] = {QUEUE_METHODS, {NULL, NULL}};
static const luaL_Reg joinable_methods[] = {
    QUEUE_METHODS, {"join", queue_join}, {"task_done", queue_task_done}, {NULL, NULL}};
static const luaL_Reg queue_meta[] = {{"__gc", shared_collect}, {"__reduce", shared_reduce}, {NULL, NULL}};

const ObjectType shared_queue_type = {
    .name = "gilua.multiprocessing.Queue", .size = sizeof(SharedHandle), .methods = queue_methods, .meta = queue_meta,
    .describe = shared_describe};
const ObjectType shared_joinable_queue_type = {.name = "gilua.multiprocessing.JoinableQueue",
                                               .size = sizeof(SharedHandle),
                                               .methods = joinable_methods,
                                               .meta = queue_meta,
                                               .describe = shared_describe};
const ObjectType shared_simple_queue_type = {.name = "gilua.multiprocessing.SimpleQueue",
                                             .size = sizeof(SharedHandle),
                                             .methods = queue_methods,
                                             .meta = queue_meta,
                                             .describe = shared_describe};

static int make(lua_State *L, SharedKind kind) {
  object_check_last(L, kind == SHARED_SIMPLE_QUEUE ? 0 : 1);
  lua_Integer most = kind == SHARED_SIMPLE_QUEUE ? 0 : luaL_optinteger(L, 1, 0);
  queue_of(shared_push_new(L, kind, sizeof(SharedQueue)))->most = most > 0 ? (uint64_t)most : 0;
  return 1;
}

static int new_queue(lua_State *L) { return make(L, SHARED_QUEUE); }
static int new_joinable_queue(lua_State *L) { return make(L, SHARED_JOINABLE_QUEUE); }
static int new_simple_queue(lua_State *L) { return make(L, SHARED_SIMPLE_QUEUE); }

void lib_shared_queue_add(lua_State *L) {
  static const luaL_Reg funcs[] = {{"Queue", new_queue},
                                   {"JoinableQueue", new_joinable_queue},
                                   {"SimpleQueue", new_simple_queue},
                                   {NULL, NULL}};
  luaL_setfuncs(L, funcs, 0);
}
