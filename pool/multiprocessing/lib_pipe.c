/* multiprocessing.Pipe([duplex = true]) -> two Connections: what one sends the other receives, in any process.
 *
 *   conn:send(v) -> true, or nil, "closed"                    v: any value, also nil, by gilua.pickle
 *   conn:recv([timeout]) -> v, or nil, "closed" | "timeout"   what was sent before comes first
 *   conn:poll([timeout = 0]) -> boolean                       is there something to receive, or is the other end closed?
 *   conn:send_bytes(string)   conn:recv_bytes([timeout])      what is no string stays, and is an error
 *   conn:close()              conn.closed                     <close>: close
 *
 * close() ends what other threads do with this end: recv gives nil, "closed", and poll false.
 *
 * Pipe(false) goes one way: the first end receives, the second sends. An end is closed when no living process has it: each
 * that got it closes its own, or drops it, or ends. What a Process inherits counts for it until it ends or closes it, but
 * never when it asks whether the other end of its own Pipe is closed.
 */
#include <string.h>

#include "pool/multiprocessing/shared_item.h"

static SharedHandle *check(lua_State *L) { return shared_check(L, 1, &shared_connection_type); }

static SharedQueue *queue_of(const SharedHandle *h) { return (SharedQueue *)h->s.object; }

static int answer(lua_State *L, const char *reason) {
  luaL_pushfail(L);
  lua_pushstring(L, reason);
  return 2;
}

static int send_value(lua_State *L) {
  SharedHandle *h = check(L);
  Tstate *ts = park_self(L);
  SQueueResult result;
  lua_settop(L, 2);
  if (queue_of(h)->recv_only) return luaL_error(L, "this end of the Pipe only receives");
  park_check(L, ts, shared_item_put(L, ts, h, 2, CLOCK_NEVER, &result));
  if (result == SQUEUE_CLOSED) return answer(L, "closed");
  lua_pushboolean(L, 1);
  return 1;
}

static int connection_send(lua_State *L) {
  luaL_checkany(L, 2);
  return send_value(L);
}

static int connection_send_bytes(lua_State *L) {
  luaL_checktype(L, 2, LUA_TSTRING);
  return send_value(L);
}

static int receive(lua_State *L, bool string) {
  SharedHandle *h = check(L);
  Tstate *ts = park_self(L);
  SQueueResult result;
  bool poll;
  int64_t deadline = park_timeout(L, 2, &poll);
  if (queue_of(h)->send_only) return luaL_error(L, "this end of the Pipe only sends");
  if (!park_check(L, ts, shared_item_get(L, ts, h, string, poll ? 0 : deadline, &result))) return answer(L, "timeout");
  if (result == SQUEUE_OTHER) return luaL_error(L, "recv_bytes: what comes next is no string: recv gets it");
  return result == SQUEUE_CLOSED ? answer(L, "closed") : 1;
}

static int connection_recv(lua_State *L) { return receive(L, false); }
static int connection_recv_bytes(lua_State *L) { return receive(L, true); }

static int connection_poll(lua_State *L) {
  SharedHandle *h = check(L);
  Tstate *ts = park_self(L);
  bool poll = lua_isnoneornil(L, 2);
  int64_t deadline = 0;
  if (!poll) deadline = park_timeout(L, 2, &poll);
  shared_use(h);
  ParkResult result = squeue_poll(ts, &h->s, poll ? 0 : deadline);
  shared_unuse(h);
  lua_pushboolean(L, park_check(L, ts, result));
  return 1;
}

static int connection_close(lua_State *L) {
  shared_close(object_check(L, 1, &shared_connection_type));
  return 0;
}

static bool connection_get(lua_State *L, void *object, const char *field) {
  const SharedHandle *h = object;
  if (strcmp(field, "closed") != 0) return false;
  lua_pushboolean(L, shared_closed(h));
  return true;
}

static const luaL_Reg connection_methods[] = {{"close", connection_close},           {"poll", connection_poll},
                                              {"recv", connection_recv},             {"recv_bytes", connection_recv_bytes},
                                              {"send", connection_send},             {"send_bytes", connection_send_bytes},
                                              {NULL, NULL}};
static const char *const connection_fields[] = {"closed", NULL};
static const luaL_Reg connection_meta[] = {
    {"__close", connection_close}, {"__gc", shared_collect}, {"__reduce", shared_reduce}, {NULL, NULL}};

const ObjectType shared_connection_type = {.name = "gilua.multiprocessing.Connection",
                                           .size = sizeof(SharedHandle),
                                           .methods = connection_methods,
                                           .meta = connection_meta,
                                           .fields = connection_fields,
                                           .get = connection_get,
                                           .describe = shared_describe};

static int new_pipe(lua_State *L) {
  object_check_last(L, 1);
  if (!lua_isnoneornil(L, 1)) luaL_checktype(L, 1, LUA_TBOOLEAN);
  bool duplex = lua_isnoneornil(L, 1) || lua_toboolean(L, 1);
  lua_settop(L, 0);
  shared_push_pair(L, SHARED_PIPE_END, sizeof(SharedQueue));
  if (duplex) return 2;
  queue_of(lua_touserdata(L, 1))->recv_only = 1;
  queue_of(lua_touserdata(L, 2))->send_only = 1;
  return 2;
}

void lib_pipe_add(lua_State *L) {
  lua_pushcfunction(L, new_pipe);
  lua_setfield(L, -2, "Pipe");
}
