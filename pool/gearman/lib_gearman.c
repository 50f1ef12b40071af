/* Tasks on many machines, by job servers of Gearman:
 *
 *   futures.GearmanExecutor{servers, queue = "gilua", task_timeout, retries = 0, token, max_workers = 64, max_pending,
 *                           in_flight = 1000, max_payload = 128 MiB, heartbeat = 5, server_timeout = 30,
 *                           show_progress = false}
 *   futures.task_key() -> string or nil      in a task of such an executor: the name that is the task's alone, the same
 *                                            each time it is done
 *
 * servers is a list of "host:port". The workers are started by `gilua worker`.
 */
#include "pool/gearman/lib_gearman.h"

#include <errno.h>
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "pool/futures/end.h"
#include "pool/futures/registry.h"
#include "pool/gearman/client_wait.h"
#include "pool/gearman/clients.h"
#include "pool/gearman/gearman_backend.h"
#include "pool/gearman/servers.h"
#include "pool/gearman/task_key.h"
#include "runtime/state/error.h"
#include "runtime/state/finalizer.h"
#include "runtime/state/options.h"
#include "runtime/state/text.h"

static const char what[] = "GearmanExecutor";

enum { MOST_WORKERS = 1000000, MOST_IN_FLIGHT = 100000, LEAST_PAYLOAD = 4096 };

static void describe(lua_State *L, void *object) {
  static const char *const states[] = {"open", "broken", "shut down"};
  const GearmanExecutor *g = (const GearmanExecutor *)((const ExecutorObject *)object)->executor;
  unsigned n = g->client != NULL ? g->client->nservers : 0;
  lua_pushfstring(L, "%d server%s, %s", (int)n, n == 1 ? "" : "s", states[g->executor.state]);
}

static const ObjectType gearman_executor_type = {.name = "gilua.GearmanExecutor",
                                                 .size = sizeof(ExecutorObject),
                                                 .methods = executor_methods,
                                                 .meta = executor_meta,
                                                 .describe = describe};

static const Option known[] = {{"servers", OPTION_LIST, 0, 0, NULL},
                               {"queue", OPTION_STRING, 0, 0, NULL},
                               {"task_timeout", OPTION_NUMBER, 0, (lua_Integer)PARK_TIMEOUT_MAX, NULL},
                               {"retries", OPTION_INTEGER, 0, UINT32_MAX, NULL},
                               {"token", OPTION_STRING, 0, 0, NULL},
                               {"max_workers", OPTION_INTEGER, 1, MOST_WORKERS, NULL},
                               {"max_pending", OPTION_INTEGER, 1, UINT32_MAX, NULL},
                               {"in_flight", OPTION_INTEGER, 1, MOST_IN_FLIGHT, NULL},
                               {"max_payload", OPTION_INTEGER, LEAST_PAYLOAD, WIRE_MOST_PAYLOAD, NULL},
                               {"heartbeat", OPTION_NUMBER, 0, (lua_Integer)PARK_TIMEOUT_MAX, NULL},
                               {"server_timeout", OPTION_NUMBER, 0, (lua_Integer)PARK_TIMEOUT_MAX, NULL},
                               {"show_progress", OPTION_FLAG, 0, 0, NULL},
                               {NULL, OPTION_FLAG, 0, 0, NULL}};

/* A name that servers and their command line can take. */
static void take_queue(lua_State *L, char to[CLIENT_QUEUE]) {
  size_t size = 0;
  const char *name = "gilua";
  if (lua_getfield(L, 1, "queue") != LUA_TNIL) name = lua_tolstring(L, -1, &size);
  else size = strlen(name);
  bool good = size > 0 && size < CLIENT_QUEUE;
  for (size_t i = 0; i < size && good; i++) good = name[i] > ' ' && name[i] <= '~';
  if (!good)
    luaL_error(L, "bad field 'queue' to '%s' (a name of 1 to %d printable characters without spaces expected)", what,
               CLIENT_QUEUE - 1);
  memcpy(to, name, size);
  to[size] = '\0';
  lua_pop(L, 1);
}

/* The texts stay in the options table; returns how many. */
static unsigned take_servers(lua_State *L, const char **to) {
  char host[WIRE_HOST], port[WIRE_PORT];
  int n = 0;
  if (lua_getfield(L, 1, "servers") == LUA_TTABLE)
    n = options_count(L, -1, "field 'servers' to 'GearmanExecutor'", WIRE_MOST_SERVERS);
  if (n == 0) luaL_error(L, "bad field 'servers' to '%s' (a list of \"host:port\" expected)", what);
  for (int k = 1; k <= n; k++) {
    if (lua_geti(L, -1, k) != LUA_TSTRING)
      luaL_error(L, "bad field 'servers' to '%s' (\"host:port\" expected at %d, got %s)", what, k,
                 luaL_typename(L, -1));
    to[k - 1] = text_whole(L, -1);
    if (to[k - 1] == NULL || !wire_address(to[k - 1], host, port))
      luaL_error(L, "bad field 'servers' to '%s' (\"host:port\" expected at %d, got '%s')", what, k,
                 lua_tostring(L, -1));
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return (unsigned)n;
}

static int64_t take_ns(lua_State *L, const char *name, double otherwise) {
  return (int64_t)(options_number(L, 1, name, otherwise) * 1e9);
}

static void take_options(lua_State *L, ClientOptions *o) {
  *o = (ClientOptions){.in_flight = (unsigned)options_integer(L, 1, "in_flight", 1000),
                       .max_pending = (unsigned)options_integer(L, 1, "max_pending", 0),
                       .retries = (uint32_t)options_integer(L, 1, "retries", 0),
                       .most = (size_t)options_integer(L, 1, "max_payload", 128 << 20),
                       .task_timeout_ns = take_ns(L, "task_timeout", 0),
                       .heartbeat_ns = take_ns(L, "heartbeat", 5),
                       .give_up_ns = take_ns(L, "server_timeout", 30)};
  take_queue(L, o->queue);
}

static JobClient *new_client(lua_State *L, const ClientOptions *o) {
  const char *servers[WIRE_MOST_SERVERS];
  unsigned n = take_servers(L, servers);
  JobClient *c = client_new(o, servers, n, gearman_backend_notify);
  if (c == NULL) error_raise(L, ERROR_BROKEN_POOL, "cannot make a client of job servers: %s", strerror(errno));
  return c;
}

/* Waits until a server answers; raises if none does, or if the program has come to its end meanwhile, which closes e. */
static void await_server(lua_State *L, Tstate *ts, const Executor *e, JobClient *c) {
  char why[512];
  park_check(L, ts, client_wait_server(ts, c, CLOCK_NEVER));
  if (e->state != EXECUTOR_OPEN) error_raise(L, ERROR_FINALIZING, "cannot make a pool while the program ends");
  if (client_live(c) > 0) return;
  pthread_mutex_lock(&c->m);
  client_explain(c, why, sizeof why);
  pthread_mutex_unlock(&c->m);
  client_terminate(c);
  error_raise(L, ERROR_BROKEN_POOL, "no job server answers: %s", why);
}

static int new_executor(lua_State *L) {
  Tstate *ts = park_self(L);
  ClientOptions options;
  Token token;
  options_take(L, 1, what, known, NULL);
  if (waits_forbidden(ts)) error_raise_state(L, "finalizer", "an executor cannot be made in a finalizer");
  take_options(L, &options);
  lua_getfield(L, 1, "token");
  token_take(L, -1, what, &token);
  lua_pop(L, 1);
  clients_open(L);
  ExecutorRegistry *r = end_open(L);
  int most = (int)options_integer(L, 1, "max_workers", 64);
  GearmanExecutor *g = (GearmanExecutor *)executor_new(L, r, &gearman_executor_type, &gearman_backend, most, 1);
  JobClient *c = g->client = new_client(L, &options); /* the executor's finalizer ends it from here on */
  c->token = token;
  c->max_workers = most;
  int err = client_start(c);
  if (err != 0) error_raise(L, ERROR_BROKEN_POOL, "cannot make a client of job servers: %s", strerror(err));
  await_server(L, ts, &g->executor, c);
  snprintf(c->name, sizeof c->name, "Gearman-%lld", (long long)r->pools++); /* it is counted from here on */
  return 1;
}

void lib_gearman_add(lua_State *L) {
  static const luaL_Reg funcs[] = {{"GearmanExecutor", new_executor}, {"task_key", task_key}, {NULL, NULL}};
  luaL_setfuncs(L, funcs, 0);
}
