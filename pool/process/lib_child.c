/* multiprocessing.Process{target, args = {}, name, daemon = false}
 *
 *   p:start() -> p    p:join([timeout]) -> boolean    p:is_alive()    p:terminate()    p:kill()
 *   p.pid    p.exitcode: nil while it runs; what it left with, or the negative number of the signal that ended it
 *   p.name   p.daemon
 *
 * A pool of one worker that does one task: the same birth, the same zygote. The program waits at its end for processes
 * that are no daemons, and ends the others. An error of the target goes to stderr; the exit code is 1 then.
 */
#include "pool/process/lib_child.h"

#include <errno.h>
#include <lauxlib.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "pool/process/engine.h"
#include "pool/process/orphans.h"
#include "runtime/os/os.h"
#include "runtime/thread/error.h"
#include "runtime/thread/object.h"

enum { CHILD_TARGET = 1, CHILD_ARGS, CHILD_NAME, CHILD_VALUES = CHILD_NAME };

typedef struct Child {
  ObjectHead head;
  Engine *engine;    /* [G] NULL: not started, or all over */
  PickleLink *link;  /* [G] */
  Task *task;        /* [G] */
  bool started, ended, daemon; /* [G] */
  int exitcode;      /* [G] once ended */
  pid_t pid;         /* [G] once started */
  struct Child *next, *prev; /* [G] Children.first: those that run */
} Child;

/* Processes that run, one list a runtime, as a userdata in the registry. */
typedef struct Children {
  RuntimeExit at_exit;
  Child *first;
  lua_Integer made; /* for names */
} Children;

static const ObjectType child_type;
static const char children_key = 0;

static Child *check(lua_State *L) { return object_check(L, 1, &child_type); }

static Children *children_of(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &children_key);
  Children *c = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return c;
}

/* Nobody may ever look at it: the zygote goes when the process has. Under Engine.m. */
static void notify(Task *t) {
  if (t->engine->state == ENGINE_OPEN) t->engine->state = ENGINE_CLOSING;
  engine_wake_collector(t->engine);
}

static void list(lua_State *L, Child *c, int i) {
  Children *all = children_of(L);
  c->next = all->first;
  c->prev = NULL;
  if (c->next != NULL) c->next->prev = c;
  all->first = c;
  lua_pushvalue(L, i);
  lua_rawsetp(L, LUA_REGISTRYINDEX, c); /* it is not collected while it runs */
}

static void unlist(lua_State *L, Child *c) {
  if (c->next != NULL) c->next->prev = c->prev;
  if (c->prev != NULL) c->prev->next = c->next;
  else children_of(L)->first = c->next;
  lua_pushnil(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, c);
}

static int exit_code_of(const Task *t) {
  if (t->state == TASK_DONE) return t->result.kind == RECORD_ERROR ? 1 : 0;
  if (t->failure != FAILURE_WORKER_DIED) return -SIGKILL;
  return WIFSIGNALED(t->status) ? -WTERMSIG(t->status) : WEXITSTATUS(t->status);
}

static void let_go(lua_State *L, Child *c) {
  Engine *e = c->engine;
  if (e != NULL) {
    engine_close(e);
    if (c->task != NULL) engine_drop_task(c->task);
    orphans_adopt(L, e);
  } else if (c->link != NULL) {
    pickle_link_free(L, c->link);
  }
  c->task = NULL;
  c->engine = NULL;
  c->link = NULL;
}

/* Notes that it is over, if it is. */
static bool look(lua_State *L, Child *c) {
  if (c->ended || c->task == NULL) return c->ended;
  if (engine_foreign(c->engine) || !task_decided(c->task)) return false;
  c->ended = true;
  c->exitcode = exit_code_of(c->task);
  unlist(L, c);
  let_go(L, c);
  return true;
}

static void dump_call(lua_State *L, PickleLink *link, PickleMessage *message) {
  int base = lua_gettop(L);
  lua_getiuservalue(L, 1, CHILD_TARGET);
  lua_getiuservalue(L, 1, CHILD_ARGS);
  int args = lua_gettop(L), n = 0;
  if (lua_istable(L, args)) {
    lua_getfield(L, args, "n");
    n = lua_isinteger(L, -1) ? (int)lua_tointeger(L, -1) : (int)lua_rawlen(L, args);
    lua_pop(L, 1);
  }
  luaL_checkstack(L, n + 1, "too many arguments to a process");
  lua_getiuservalue(L, 1, CHILD_TARGET);
  for (int k = 1; k <= n; k++) lua_rawgeti(L, args, k);
  pickle_dump(L, args + 1, n + 1, PICKLE_TASK, link, message);
  lua_settop(L, base);
}

/* (process): its engine, its task. */
static int start_protected(lua_State *L) {
  Child *c = check(L);
  Tstate *ts = park_self(L);
  PickleMessage message = {0}, none = {0};
  EngineOptions options = {.max_workers = 1, .cpus = (unsigned)os_cpus(), .single = true};
  c->link = pickle_link_new(L, 0);
  c->engine = engine_new(L, ts, &options, c->link, &none, notify);
  dump_call(L, c->link, &message);
  c->task = engine_submit(L, c->engine, &message);
  if (c->task != NULL) {
    engine_watch(c->task, c);
    return 0;
  }
  pickle_message_free(L, &message);
  return luaL_error(L, "not enough memory");
}

/* Lets go of processes that ended and that nobody asks for. */
static void sweep(lua_State *L) {
  for (Child *c = children_of(L)->first, *next; c != NULL; c = next) {
    next = c->next;
    look(L, c);
  }
}

static int child_start(lua_State *L) {
  Child *c = check(L);
  Tstate *ts = park_self(L);
  if (c->started) return luaL_error(L, "processes can be started only once");
  runtime_add_exit(L, &children_of(L)->at_exit);
  orphans_open(L);
  c->started = true; /* the lock is left meanwhile */
  lua_pushcfunction(L, start_protected);
  lua_pushvalue(L, 1);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
    let_go(L, c);
    c->started = false;
    return lua_error(L);
  }
  sweep(L);
  list(L, c, 1);
  engine_wait_born(ts, c->engine, CLOCK_NEVER); /* a request is raised at the next instruction */
  if (c->engine != NULL) {
    c->pid = engine_pid(c->engine);
    engine_close(c->engine); /* it ends by itself after its one task, though nobody may ask for it */
  }
  look(L, c);
  lua_settop(L, 1);
  return 1;
}

/* As park, until its task is decided. Others may wait, too, and let go of it first. */
static ParkResult wait_for(lua_State *L, Tstate *ts, Child *c, int64_t deadline) {
  Task *t = c->task;
  Engine *e = t->engine;
  atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
  ParkResult result = engine_wait_task(ts, t, deadline);
  engine_drop_task(t);
  engine_bury(L, e);
  return result;
}

static int child_join(lua_State *L) {
  Child *c = check(L);
  Tstate *ts = park_self(L);
  int64_t deadline = park_timeout(L, 2, NULL);
  if (!c->started) return luaL_error(L, "cannot join a process that was not started");
  if (!look(L, c)) {
    if (engine_foreign(c->engine)) return error_raise_state(L, "foreign", "this is another process's child");
    ParkResult result = wait_for(L, ts, c, deadline);
    if (result != PARK_TIMEOUT) park_check(L, ts, result);
  }
  lua_pushboolean(L, look(L, c));
  return 1;
}

static int child_is_alive(lua_State *L) {
  Child *c = check(L);
  lua_pushboolean(L, c->started && !look(L, c));
  return 1;
}

static int send_signal(lua_State *L, int sig) {
  Child *c = check(L);
  if (!c->started) return luaL_error(L, "the process was not started");
  if (!look(L, c) && !engine_foreign(c->engine)) engine_signal(c->engine, sig);
  return 0;
}

static int child_terminate(lua_State *L) { return send_signal(L, SIGTERM); }

static int child_kill(lua_State *L) { return send_signal(L, SIGKILL); }

static bool child_get(lua_State *L, void *object, const char *field) {
  Child *c = object;
  if (strcmp(field, "name") == 0) {
    lua_getiuservalue(L, 1, CHILD_NAME);
  } else if (strcmp(field, "daemon") == 0) {
    lua_pushboolean(L, c->daemon);
  } else if (strcmp(field, "pid") == 0) {
    if (c->pid != 0) lua_pushinteger(L, c->pid);
    else lua_pushnil(L);
  } else if (strcmp(field, "exitcode") == 0) {
    if (look(L, c)) lua_pushinteger(L, c->exitcode);
    else lua_pushnil(L);
  } else {
    return false;
  }
  return true;
}

static bool child_set(lua_State *L, void *object, const char *field) {
  Child *c = object;
  if (strcmp(field, "name") == 0) {
    luaL_checkstring(L, 3);
    lua_pushvalue(L, 3);
    lua_setiuservalue(L, 1, CHILD_NAME);
    return true;
  }
  if (strcmp(field, "daemon") != 0) return false;
  if (c->started) luaL_error(L, "daemon can be set only before the process is started");
  c->daemon = lua_toboolean(L, 3);
  return true;
}

static int child_tostring(lua_State *L) {
  Child *c = check(L);
  lua_getiuservalue(L, 1, CHILD_NAME);
  const char *name = lua_tostring(L, -1);
  if (!c->started) lua_pushfstring(L, "Process (%s, not started)", name);
  else if (look(L, c)) lua_pushfstring(L, "Process (%s, exit code %d)", name, c->exitcode);
  else lua_pushfstring(L, "Process (%s, pid %d)", name, (int)c->pid);
  return 1;
}

static int child_new(lua_State *L) {
  static const char *const fields[] = {"target", "args", "name", "daemon", NULL};
  luaL_checktype(L, 1, LUA_TTABLE);
  object_check_fields(L, 1, "Process", fields);
  lua_settop(L, 1);
  Children *all = children_of(L);
  Child *c = object_new(L, &child_type, CHILD_VALUES);
  lua_getfield(L, 1, "target");
  if (!lua_isfunction(L, 3) && luaL_getmetafield(L, 3, "__call") == LUA_TNIL)
    return luaL_error(L, "bad field 'target' to 'Process' (function expected, got %s)", luaL_typename(L, 3));
  lua_settop(L, 3);
  lua_setiuservalue(L, 2, CHILD_TARGET);
  if (lua_getfield(L, 1, "args") != LUA_TNIL && !lua_istable(L, -1)) return luaL_error(L, "Process: args must be a list");
  lua_setiuservalue(L, 2, CHILD_ARGS);
  int type = lua_getfield(L, 1, "name");
  if (type == LUA_TNIL) lua_pushfstring(L, "Process-%I", (LUAI_UACINT)++all->made);
  else if (type != LUA_TSTRING) return luaL_error(L, "Process: name must be a string");
  lua_setiuservalue(L, 2, CHILD_NAME);
  lua_getfield(L, 1, "daemon");
  c->daemon = lua_toboolean(L, -1);
  lua_settop(L, 2);
  return 1;
}

/* The end of the program: daemons are ended, the others waited for. */
static bool at_exit(lua_State *L, RuntimeExit *self, bool last) {
  Children *all = (Children *)((char *)self - offsetof(Children, at_exit));
  Tstate *ts = tstate_self();
  if (!last) return true; /* threads may still start and join some */
  for (Child *c = all->first; c != NULL; c = c->next)
    if (c->daemon && !engine_foreign(c->engine)) engine_terminate(c->engine);
  while (all->first != NULL) {
    Child *c = all->first;
    if (engine_foreign(c->engine)) return true;
    Engine *e = c->engine;
    atomic_fetch_add(&e->refs, 1);
    if (wait_for(L, ts, c, CLOCK_NEVER) == PARK_REQUESTED) {
      engine_drop(e);
      return false;
    }
    look(L, c);
    engine_wait_ended(ts, e, CLOCK_NEVER);
    engine_drop(e);
  }
  return true;
}

static void detach(lua_State *L, RuntimeExit *self, bool last) {
  Children *all = (Children *)((char *)self - offsetof(Children, at_exit));
  while (!last && all->first != NULL) {
    Child *c = all->first;
    if (!engine_foreign(c->engine)) engine_stop(c->engine);
    if (look(L, c)) continue;
    unlist(L, c);
    if (!engine_foreign(c->engine)) let_go(L, c);
  }
}

/* It is anchored while it runs: so either it does not, or the state is closed, after an exit that did not wait, or before
 * the threads of an attached state are waited for. */
static int child_collect(lua_State *L) {
  Child *c = check(L);
  if (c->engine == NULL || engine_foreign(c->engine)) return 0;
  engine_stop(c->engine);
  unlist(L, c);
  let_go(L, c);
  return 0;
}

static const luaL_Reg child_methods[] = {{"start", child_start},         {"join", child_join}, {"is_alive", child_is_alive},
                                         {"terminate", child_terminate}, {"kill", child_kill}, {NULL, NULL}};

static const luaL_Reg child_meta[] = {{"__tostring", child_tostring}, {"__gc", child_collect}, {NULL, NULL}};

static const ObjectType child_type = {.name = "gilua.Process",
                                      .size = sizeof(Child),
                                      .methods = child_methods,
                                      .meta = child_meta,
                                      .get = child_get,
                                      .set = child_set};

void lib_child_add(lua_State *L) {
  static const luaL_Reg funcs[] = {{"Process", child_new}, {NULL, NULL}};
  object_register(L, &child_type);
  orphans_open(L);
  if (children_of(L) == NULL) {
    Children *all = lua_newuserdatauv(L, sizeof *all, 0);
    *all = (Children){.at_exit = {.run = at_exit, .detach = detach}};
    lua_rawsetp(L, LUA_REGISTRYINDEX, &children_key);
    runtime_add_exit(L, &all->at_exit);
  }
  luaL_setfuncs(L, funcs, 0);
}
