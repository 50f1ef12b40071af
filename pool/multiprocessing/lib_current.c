/* multiprocessing.current_process() and parent_process(): who runs this, and who started it.
 *
 *   p.name: "MainProcess", that of the Process, or "PoolWorker-PID"     p.pid     p.daemon
 *   p:is_alive()     p:join([timeout]) -> boolean: whether it has ended; not of the calling process
 *
 * parent_process() is nil in a process that gilua did not start.
 */
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pool/multiprocessing/lib_multiprocessing.h"
#include "pool/process/current.h"
#include "runtime/shared/self.h"
#include "runtime/state/object.h"
#include "runtime/state/text.h"
#include "runtime/sync/blocking.h"

/* User value 1: its name. */
typedef struct ProcessInfo {
  ObjectHead head;
  SharedId id;
  bool daemon;
} ProcessInfo;

static const ObjectType info_type;

static const int64_t LOOK_NS = 50000000;

static ProcessInfo *check(lua_State *L) { return object_check(L, 1, &info_type); }

static pid_t pid_of(const ProcessInfo *p) { return (pid_t)(p->id & INT32_MAX); }

static bool info_get(lua_State *L, void *object, const char *field) {
  const ProcessInfo *p = object;
  if (strcmp(field, "name") == 0) lua_getiuservalue(L, 1, 1);
  else if (strcmp(field, "pid") == 0) lua_pushinteger(L, pid_of(p));
  else if (strcmp(field, "daemon") == 0) lua_pushboolean(L, p->daemon);
  else return false;
  return true;
}

static int info_is_alive(lua_State *L) {
  lua_pushboolean(L, shared_alive(check(L)->id));
  return 1;
}

/* Without a descriptor it looks now and then. */
static ParkResult look_until_dead(Tstate *ts, SharedId id, int64_t deadline) {
  ParkResult result = PARK_TIMEOUT;
  while (result == PARK_TIMEOUT && shared_alive(id)) {
    int64_t now = clock_ns(), next = now + LOOK_NS;
    if (now >= deadline) return PARK_TIMEOUT;
    result = park(ts, NULL, gil_now(&ts->rt->gil) + (next < deadline ? next : deadline) - now, "process", NULL);
  }
  return result == PARK_TIMEOUT ? PARK_GRANTED : result;
}

static ParkResult wait_until_dead(Tstate *ts, SharedId id, int64_t deadline) {
  int fd = (int)syscall(SYS_pidfd_open, (pid_t)(id & INT32_MAX), 0);
  if (fd < 0) return look_until_dead(ts, id, deadline);
  ParkResult result = PARK_GRANTED;
  short events = POLLIN;
  if (shared_alive(id)) {
    blocking_name(ts, "process");
    result = blocking_wait_fd(ts, fd, POLLIN, deadline, &events);
  }
  close(fd);
  return result == PARK_GRANTED && (events & POLLIN) == 0 ? look_until_dead(ts, id, deadline) : result;
}

static int info_join(lua_State *L) {
  const ProcessInfo *p = check(L);
  Tstate *ts = park_self(L);
  int64_t deadline = park_timeout(L, 2, NULL);
  if (p->id == shared_self()) return luaL_error(L, "a process cannot join itself");
  park_check(L, ts, wait_until_dead(ts, p->id, park_real(ts, deadline)));
  lua_pushboolean(L, !shared_alive(p->id));
  return 1;
}

static int info_tostring(lua_State *L) {
  const ProcessInfo *p = check(L);
  lua_getiuservalue(L, 1, 1);
  lua_pushfstring(L, "Process(%s, pid %d)", text_push_shown(L, -1), (int)pid_of(p));
  return 1;
}

static const luaL_Reg info_methods[] = {{"is_alive", info_is_alive}, {"join", info_join}, {NULL, NULL}};
static const char *const info_fields[] = {"name", "pid", "daemon", NULL};
static const luaL_Reg info_meta[] = {{"__tostring", info_tostring}, {NULL, NULL}};
static const ObjectType info_type = {.name = "gilua.ProcessInfo",
                                     .size = sizeof(ProcessInfo),
                                     .methods = info_methods,
                                     .meta = info_meta,
                                     .fields = info_fields,
                                     .get = info_get};

/* The name is on top, which it pops. */
static void push(lua_State *L, SharedId id, bool daemon) {
  ProcessInfo *p = object_new(L, &info_type, 1);
  p->id = id;
  p->daemon = daemon;
  lua_insert(L, -2);
  lua_setiuservalue(L, -2, 1);
}

int process_current(lua_State *L) {
  bool daemon = false;
  current_push(L);
  if (lua_istable(L, -1)) {
    lua_rawgeti(L, -1, CURRENT_DAEMON);
    daemon = lua_toboolean(L, -1);
    lua_rawgeti(L, -2, CURRENT_NAME);
  } else {
    daemon = lua_isinteger(L, -1); /* a worker of a pool */
    if (daemon) lua_pushfstring(L, "PoolWorker-%d", (int)getpid());
    else lua_pushliteral(L, "MainProcess");
  }
  push(L, shared_self(), daemon);
  return 1;
}

int process_parent(lua_State *L) {
  current_push(L);
  if (lua_isinteger(L, -1)) { /* a worker of a pool knows the program's pid */
    SharedLife life;
    if (!shared_life((SharedId)lua_tointeger(L, -1), &life)) life.id = (SharedId)lua_tointeger(L, -1);
    lua_pushliteral(L, "MainProcess");
    push(L, life.id, false);
    return 1;
  }
  if (!lua_istable(L, -1)) {
    lua_pushnil(L);
    return 1;
  }
  lua_rawgeti(L, -1, CURRENT_PARENT);
  SharedId id = (SharedId)lua_tointeger(L, -1);
  lua_rawgeti(L, -2, CURRENT_PARENT_NAME);
  push(L, id, false);
  return 1;
}
