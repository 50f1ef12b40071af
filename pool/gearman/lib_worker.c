/* The pieces of `gilua worker`:
 *
 *   core.doer(where, max_payload, token or nil) -> Doer
 *   core.connect(address, seconds, max_payload) -> Link; nil, why      core.is_address(text) -> boolean
 *   core.hostname()   core.outlive_sigterm()   core.most_servers, core.most_payload: what the options may say
 *   core.wait(links, timeout)                   until one has something to read
 *   link:send(packet [, text])                  packet: core.CAN_DO …; queues it
 *   link:receive(timeout) -> what [, job]       "job", "no_job", "noop", "echo", "error" (and its
 *                                               words), "other"; nil, "timeout"; nil, "closed", why
 *   link:flush()   link:pending() -> bytes not written   link:close()
 *   job:look(doer) -> nil, retries, timeout in ns (0: none), key; or why it is refused
 *   job:begun(link)                 queues the word that it is under way
 *   job:run(doer, link, modules) -> nil, or why it is refused      queues the answer, as the others below
 *   job:refuse(doer, link, why)   job:died(doer, link, pid, status)   job:overdue(doer, link, pid)
 *   job:unique() -> string
 */
#include "pool/gearman/lib_worker.h"

#include <errno.h>
#include <lauxlib.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pool/gearman/task_run.h"
#include "pool/gearman/wire.h"
#include "runtime/state/object.h"
#include "runtime/state/release.h"
#include "runtime/state/text.h"
#include "runtime/sync/blocking.h"

typedef struct Link {
  ObjectHead head;
  Wire wire;
} Link;

typedef struct WorkerJob {
  ObjectHead head;
  Taken payload;
  char unique[PACKET_MOST_UNIQUE + 1], handle[128];
  Envelope task; /* once it was looked at */
} WorkerJob;

typedef struct DoerObject {
  ObjectHead head;
  Doer doer;
} DoerObject;

static int core_hostname(lua_State *L) {
  char name[256] = "";
  if (gethostname(name, sizeof name - 1) != 0 || name[0] == '\0') snprintf(name, sizeof name, "worker");
  lua_pushstring(L, name);
  return 1;
}

static void nothing(int sig) { (void)sig; }

/* An empty handler: a command that a task executes has the default again. */
static int core_outlive_sigterm(lua_State *L) {
  struct sigaction act = {.sa_handler = nothing, .sa_flags = SA_RESTART};
  (void)L;
  sigaction(SIGTERM, &act, NULL);
  return 0;
}

static const ObjectType link_type, job_type, doer_type;

static const struct {
  const char *name;
  PacketType type;
} packets[] = {{"CAN_DO", PACKET_CAN_DO},
               {"PRE_SLEEP", PACKET_PRE_SLEEP},
               {"GRAB_JOB", PACKET_GRAB_JOB_UNIQ},
               {"ECHO", PACKET_ECHO_REQ},
               {"SET_CLIENT_ID", PACKET_SET_CLIENT_ID},
               {NULL, PACKET_LINE}};

static int core_doer(lua_State *L) {
  const char *where = luaL_checkstring(L, 1);
  lua_Integer most = luaL_checkinteger(L, 2);
  DoerObject *o = object_new(L, &doer_type, 0);
  snprintf(o->doer.where, sizeof o->doer.where, "%s", where);
  o->doer.most = (size_t)most;
  token_take(L, 3, "worker", &o->doer.token);
  return 1;
}

static int core_is_address(lua_State *L) {
  char host[WIRE_HOST], port[WIRE_PORT];
  lua_pushboolean(L, wire_address(luaL_checkstring(L, 1), host, port));
  return 1;
}

static int core_connect(lua_State *L) {
  Tstate *ts = park_self(L);
  char host[WIRE_HOST], port[WIRE_PORT], why[WIRE_WHY];
  const char *address = luaL_checkstring(L, 1);
  int64_t deadline = park_timeout(L, 2, NULL);
  size_t most = (size_t)luaL_checkinteger(L, 3);
  if (!wire_address(address, host, port))
    return luaL_error(L, "'%s' is no address of a job server (host:port expected)", address);
  Link *link = object_new(L, &link_type, 0);
  wire_open(&link->wire, -1, most + PACKET_HEAD + 4096);
  blocking_begin_wait(ts, "connect");
  int fd = wire_dial(host, port, deadline, why);
  blocking_end(ts);
  if (fd < 0) {
    lua_pushnil(L);
    lua_pushstring(L, why);
    return 2;
  }
  link->wire.fd = fd;
  return 1;
}

static int core_wait(lua_State *L) {
  Tstate *ts = park_self(L);
  struct pollfd fds[WIRE_MOST_SERVERS + 1];
  unsigned n = 0;
  luaL_checktype(L, 1, LUA_TTABLE);
  int64_t deadline = park_timeout(L, 2, NULL);
  for (lua_Integer k = 1; n < WIRE_MOST_SERVERS && lua_rawgeti(L, 1, k) != LUA_TNIL; k++) {
    const Link *link = object_check(L, -1, &link_type);
    if (wire_has(&link->wire)) return 0;
    fds[n++] = (struct pollfd){.fd = link->wire.fd, .events = wire_events(&link->wire)};
    lua_pop(L, 1);
  }
  park_check(L, ts, blocking_wait_fds(ts, fds, n, deadline));
  return 0;
}

static Link *check_link(lua_State *L, int i) {
  Link *link = object_check(L, i, &link_type);
  if (link->wire.fd < 0) luaL_error(L, "the connection is closed");
  return link;
}

static int link_send(lua_State *L) {
  Link *link = check_link(L, 1);
  size_t size;
  PacketType type = (PacketType)luaL_checkinteger(L, 2);
  const char *text = luaL_optlstring(L, 3, "", &size);
  if (!wire_say(&link->wire, type, text, size)) luaL_error(L, "not enough memory");
  return 0;
}

static int closed(lua_State *L, Link *link, const char *why) {
  lua_pushnil(L);
  lua_pushliteral(L, "closed");
  lua_pushstring(L, why);
  wire_close(&link->wire);
  return 3;
}

static void copy_field(char *to, size_t room, const Packet *p, unsigned i) {
  size_t size = p->fields[i].size < room ? p->fields[i].size : room - 1;
  memcpy(to, p->fields[i].bytes, size);
  to[size] = '\0';
}

/* The packet becomes "job" and the object. */
static int push_job(lua_State *L, Link *link, const Packet *p) {
  lua_pushliteral(L, "job");
  WorkerJob *j = object_new(L, &job_type, 0);
  copy_field(j->handle, sizeof j->handle, p, 0);
  copy_field(j->unique, sizeof j->unique, p, 2);
  if (!wire_take(&link->wire, p, 3, &j->payload)) luaL_error(L, "not enough memory for a job");
  return 2;
}

/* "error" and the server's words, as they may be printed. */
static int push_error(lua_State *L, const Packet *p) {
  unsigned i = p->fields[1].size > 0 ? 1 : 0; /* the code, where there are no words */
  lua_pushliteral(L, "error");
  lua_pushlstring(L, (const char *)p->fields[i].bytes, p->fields[i].size);
  text_push_shown(L, -1);
  lua_remove(L, -2);
  return 2;
}

static int push_packet(lua_State *L, Link *link, const Packet *p) {
  switch (p->type) {
    case PACKET_ERROR: return push_error(L, p);
    case PACKET_JOB_ASSIGN_UNIQ: return push_job(L, link, p);
    case PACKET_NO_JOB: lua_pushliteral(L, "no_job"); return 1;
    case PACKET_NOOP: lua_pushliteral(L, "noop"); return 1;
    case PACKET_ECHO_RES: lua_pushliteral(L, "echo"); return 1;
    default: lua_pushliteral(L, "other"); return 1;
  }
}

/* Waits for something to read, unless it only looks: 1, read; 0, none in time; -1, lost, with errno. */
static int await_bytes(lua_State *L, Tstate *ts, Link *link, int64_t deadline, bool looks) {
  short events;
  if (wire_flush(&link->wire) != 0) return -1;
  if (looks) return wire_read(&link->wire);
  for (int got = 0;;) {
    if (!park_check(L, ts, blocking_wait_fd(ts, link->wire.fd, wire_events(&link->wire), deadline, &events))) return 0;
    if ((events & ~POLLOUT) != 0) got = wire_read(&link->wire);
    if (got != 0) return got;
    if (wire_flush(&link->wire) != 0) return -1;
  }
}

static int link_receive(lua_State *L) {
  Tstate *ts = park_self(L);
  Link *link = check_link(L, 1);
  bool looks;
  int64_t deadline = park_timeout(L, 2, &looks);
  for (;;) {
    Packet p;
    int result = wire_next(&link->wire, &p);
    if (result == PACKET_WHOLE) return push_packet(L, link, &p);
    if (result < 0) return closed(L, link, packet_explain(result));
    int got = await_bytes(L, ts, link, deadline, looks);
    if (got < 0) return closed(L, link, errno != 0 ? strerror(errno) : "the server hung up");
    if (got == 0) break;
  }
  lua_pushnil(L);
  lua_pushliteral(L, "timeout");
  return 2;
}

static int link_flush(lua_State *L) {
  Link *link = check_link(L, 1);
  if (wire_flush(&link->wire) != 0) return closed(L, link, strerror(errno));
  lua_pushboolean(L, true);
  return 1;
}

static int link_pending(lua_State *L) {
  const Link *link = object_check(L, 1, &link_type);
  lua_pushinteger(L, (lua_Integer)link->wire.queued);
  return 1;
}

static int link_close(lua_State *L) {
  Link *link = object_check(L, 1, &link_type);
  wire_close(&link->wire);
  return 0;
}

static WorkerJob *check_job(lua_State *L) { return object_check(L, 1, &job_type); }

static const Doer *check_doer(lua_State *L, int i) { return &((DoerObject *)object_check(L, i, &doer_type))->doer; }

static View view_of(const char *text) { return (View){(const uint8_t *)text, strlen(text)}; }

/* A number for a unique: FNV-1a. */
static lua_Integer key_of(const char *unique) {
  uint64_t h = UINT64_C(14695981039346656037);
  for (; *unique != '\0'; unique++) h = (h ^ (uint8_t)*unique) * UINT64_C(1099511628211);
  return (lua_Integer)(h | 1);
}

static int job_look(lua_State *L) {
  WorkerJob *j = check_job(L);
  task_look(L, check_doer(L, 2), (View){j->payload.bytes, j->payload.size}, view_of(j->unique), &j->task);
  if (!lua_isnil(L, -1)) return 1;
  lua_pushinteger(L, j->task.retries);
  lua_pushinteger(L, j->task.timeout_ns < INT64_MAX ? (lua_Integer)j->task.timeout_ns : INT64_MAX);
  lua_pushinteger(L, key_of(j->unique));
  return 4;
}

static int put(lua_State *L, int link, Payload *answer) {
  if (!wire_put(&check_link(L, link)->wire, answer)) return luaL_error(L, "not enough memory for the answer to a task");
  return 0;
}

static int job_begun(lua_State *L) {
  const WorkerJob *j = check_job(L);
  const Piece pieces[] = {{j->handle, strlen(j->handle) + 1}, {"0", 2}, {"1", 1}};
  check_link(L, 2);
  return put(L, 2, payload_packet(PACKET_WORK_STATUS, pieces, 3, NULL));
}

static int job_run(lua_State *L) {
  WorkerJob *j = check_job(L);
  const Doer *doer = check_doer(L, 2);
  luaL_checktype(L, 4, LUA_TTABLE);
  luaL_argcheck(L, j->task.covered.bytes != NULL, 1, "it was not looked at");
  put(L, 3, task_run(L, doer, &j->task, j->handle, 4));
  return 1;
}

static int answer(lua_State *L, EnvelopeKind kind, lua_Integer pid, lua_Integer status, View body) {
  const WorkerJob *j = check_job(L);
  Envelope e = {.kind = kind, .unique = view_of(j->unique), .body = body};
  e.pid = (uint32_t)pid;
  e.status = (uint32_t)status;
  return put(L, 3, task_answer(check_doer(L, 2), j->handle, &e));
}

static int job_refuse(lua_State *L) { return answer(L, RESULT_REFUSED, 0, 0, view_of(luaL_checkstring(L, 4))); }

static int job_died(lua_State *L) {
  return answer(L, RESULT_DIED, luaL_checkinteger(L, 4), luaL_checkinteger(L, 5), (View){0});
}

static int job_overdue(lua_State *L) { return answer(L, RESULT_TIMEOUT, luaL_checkinteger(L, 4), 0, (View){0}); }

static int job_unique(lua_State *L) {
  lua_pushstring(L, check_job(L)->unique);
  return 1;
}

static int job_gc(lua_State *L) {
  WorkerJob *j = object_check(L, 1, &job_type);
  free(j->payload.memory);
  j->payload = (Taken){0};
  return 0;
}

static int link_gc(lua_State *L) { return link_close(L); }

static int doer_gc(lua_State *L) {
  DoerObject *o = object_check(L, 1, &doer_type);
  explicit_bzero(&o->doer.token, sizeof o->doer.token);
  return 0;
}

static const luaL_Reg link_methods[] = {{"send", link_send},       {"receive", link_receive}, {"flush", link_flush},
                                        {"pending", link_pending}, {"close", link_close},     {NULL, NULL}};
static const luaL_Reg link_meta[] = {{"__gc", link_gc}, {NULL, NULL}};
static const luaL_Reg job_methods[] = {{"look", job_look},     {"begun", job_begun}, {"run", job_run},
                                       {"refuse", job_refuse}, {"died", job_died},   {"overdue", job_overdue},
                                       {"unique", job_unique}, {NULL, NULL}};
static const luaL_Reg job_meta[] = {{"__gc", job_gc}, {NULL, NULL}};
static const luaL_Reg doer_methods[] = {{NULL, NULL}}, doer_meta[] = {{"__gc", doer_gc}, {NULL, NULL}};
static const ObjectType link_type = {
    .name = "gilua.worker.Link", .size = sizeof(Link), .methods = link_methods, .meta = link_meta};
static const ObjectType job_type = {
    .name = "gilua.worker.Job", .size = sizeof(WorkerJob), .methods = job_methods, .meta = job_meta};
static const ObjectType doer_type = {
    .name = "gilua.worker.Doer", .size = sizeof(DoerObject), .methods = doer_methods, .meta = doer_meta};

int lib_worker_open(lua_State *L) {
  static const luaL_Reg funcs[] = {{"doer", core_doer},
                                   {"connect", core_connect},
                                   {"is_address", core_is_address},
                                   {"hostname", core_hostname},
                                   {"outlive_sigterm", core_outlive_sigterm},
                                   {"wait", core_wait},
                                   {NULL, NULL}};
  luaL_newlib(L, funcs);
  for (int k = 0; packets[k].name != NULL; k++) {
    lua_pushinteger(L, packets[k].type);
    lua_setfield(L, -2, packets[k].name);
  }
  lua_pushinteger(L, release_number());
  lua_setfield(L, -2, "release");
  lua_pushinteger(L, ENVELOPE_VERSION);
  lua_setfield(L, -2, "protocol");
  lua_pushinteger(L, WIRE_MOST_SERVERS);
  lua_setfield(L, -2, "most_servers");
  lua_pushinteger(L, WIRE_MOST_PAYLOAD);
  lua_setfield(L, -2, "most_payload");
  return 1;
}
