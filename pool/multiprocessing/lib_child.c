/* multiprocessing.Process{target, args = {}, name, daemon = false}
 *
 *   p:start() -> p    p:join([timeout]) -> boolean    p:is_alive()    p:terminate()    p:kill()
 *   p.pid    p.exitcode: nil while it runs; what it left with, or the negative number of the signal that ended it
 *   p.name   p.daemon   p:close(): it has ended and is not used any more
 *
 *   multiprocessing.active_children() -> list of the Processes of this process that run
 *   current_process() and parent_process() are in lib_current.c.
 *
 * An engine with one worker that does one call: the same birth, the same zygote. It ends as a program does. The program waits
 * at its end for processes that are no daemons, and ends the others. An error of the target goes to stderr; the exit code
 * is 1 then. What the target returns goes nowhere.
 *
 *   NEW -> STARTED    start           STARTED -> ENDED    whoever looks after its task was decided: note_end
 */
#include "pool/multiprocessing/lib_multiprocessing.h"

#include <errno.h>
#include <lauxlib.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "pool/process/cancel.h"
#include "pool/process/current.h"
#include "pool/process/engines.h"
#include "pool/process/flights.h"
#include "pool/process/tasks.h"
#include "pool/process/wait.h"
#include "pool/process/wake.h"
#include "runtime/os/os.h"
#include "runtime/state/error.h"
#include "runtime/state/text.h"
#include "runtime/state/object.h"
#include "runtime/state/options.h"

enum { MOST_ARGS = 50000 };

enum { CHILD_TARGET = 1, CHILD_ARGS, CHILD_NAME, CHILD_VALUES = CHILD_NAME };

typedef struct Child {
  ObjectHead head;
  EngineOwner owner; /* its `daemon` is that of the process */
  Engine *engine;    /* [G] NULL: not started, or ended */
  PickleLink *link;  /* [G] until there is an engine */
  Task *task;        /* [G] */
  bool started, ended; /* [G] */
  bool closed;         /* [G] */
  int exitcode;      /* [G] once ended */
  pid_t pid;         /* [G] once it is born */
} Child;

static const ObjectType child_type;
static const char names_key = 0; /* registry: the number of the last default name */

static const char children_key = 0; /* registry: table, address -> Process that runs */

static Child *check(lua_State *L) {
  Child *c = object_check(L, 1, &child_type);
  if (c->closed) error_raise_state(L, "closed", "this Process is closed");
  return c;
}

/* Nobody may ever look at it: the zygote goes when the process has. Under Engine.m. */
static void close_engine(Task *t) {
  if (t->engine->state == ENGINE_OPEN) t->engine->state = ENGINE_CLOSING;
  engine_wake_collector(t->engine);
}

/* It is not collected while it runs: the object at i, or nothing if i is 0. */
static void anchor(lua_State *L, Child *c, int i) {
  if (i != 0) i = lua_absindex(L, i);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &children_key) != LUA_TTABLE) {
    lua_pop(L, 1);
    if (i == 0) return; /* nothing was anchored yet */
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &children_key);
  }
  if (i != 0) lua_pushvalue(L, i);
  else lua_pushnil(L);
  lua_rawsetp(L, -2, c);
  lua_pop(L, 1);
}

static int exit_code_of(const Task *t) {
  if (t->failure != FAILURE_WORKER_DIED) return -SIGKILL;
  return WIFSIGNALED(t->status) ? -WTERMSIG(t->status) : WEXITSTATUS(t->status);
}

static void let_go(lua_State *L, Child *c) {
  Engine *e = c->engine;
  if (e != NULL) {
    if (c->task != NULL) engine_drop_task(c->task);
    engines_let_go(L, e);
  } else if (c->link != NULL) {
    pickle_link_free(L, c->link);
  }
  c->task = NULL;
  c->engine = NULL;
  c->link = NULL;
}

static void note_pid(Child *c) {
  if (c->pid == 0 && c->engine != NULL) c->pid = engine_pid(c->engine);
}

/* Notes that it is over, if it is. */
static bool look(lua_State *L, Child *c) {
  if (c->ended || c->task == NULL) return c->ended;
  if (engine_foreign(c->engine) || !task_decided(c->task)) return false;
  note_pid(c);
  c->ended = true;
  c->exitcode = exit_code_of(c->task);
  anchor(L, c, 0);
  let_go(L, c);
  return true;
}

/* EngineOwner.ended */
static void engine_has_ended(lua_State *L, EngineOwner *owner) {
  Child *c = (Child *)((char *)owner - offsetof(Child, owner));
  if (!look(L, c)) let_go(L, c); /* no task: it was not started to the end */
}

/* How many arguments the list at index i has; nil: none. */
static int count_args(lua_State *L, int i) {
  return lua_istable(L, i) ? options_count(L, i, "field 'args' to 'Process'", MOST_ARGS) : 0;
}

static void dump_call(lua_State *L, PickleLink *link, PickleMessage *message) {
  int base = lua_gettop(L);
  lua_getiuservalue(L, 1, CHILD_TARGET);
  lua_getiuservalue(L, 1, CHILD_ARGS);
  int args = lua_gettop(L), n = count_args(L, args); /* the list may have changed since */
  luaL_checkstack(L, n + 8, "too many arguments to a process");
  lua_getiuservalue(L, 1, CHILD_TARGET);
  for (int k = 1; k <= n; k++) lua_rawgeti(L, args, k);
  lua_getiuservalue(L, 1, CHILD_NAME);
  current_push_description(L, lua_tostring(L, -1), check(L)->owner.daemon);
  lua_remove(L, -2);
  pickle_dump(L, args + 1, n + 2, PICKLE_TASK, link, message);
  lua_settop(L, base);
}

/* (process): its engine, its task. */
static int start_protected(lua_State *L) {
  Child *c = check(L);
  Tstate *ts = park_self(L);
  PickleMessage message = {0}, none = {0};
  EngineOptions options = {.max_workers = 1, .cpus = (unsigned)os_cpus(), .single = true};
  c->link = pickle_link_new(L, 0);
  c->engine = engine_new(L, ts, &options, c->link, &none, close_engine);
  engines_add(L, c->engine, &c->owner);
  dump_call(L, c->link, &message);
  c->task = engine_submit(L, c->engine, &message);
  if (c->task != NULL) {
    engine_watch(c->task, c);
    return 0;
  }
  pickle_message_free(L, &message);
  return luaL_error(L, "not enough memory");
}

/* What its call carries is its own now, whether it lives to read that or not. */
static void give_flights(lua_State *L, const Child *c) {
  SharedId id = (SharedId)c->pid;
  SharedLife life;
  if (c->pid == 0 || c->task == NULL || c->task->message.pins == 0) return;
  flights_to_process(L, &c->task->message, shared_life(id, &life) ? life.id : id);
}

static int child_start(lua_State *L) {
  Child *c = check(L);
  Tstate *ts = park_self(L);
  if (c->started) return luaL_error(L, "processes can be started only once");
  engines_open(L);
  engines_sweep(L);
  c->started = true; /* the lock is left meanwhile */
  anchor(L, c, 1);
  lua_pushcfunction(L, start_protected);
  lua_pushvalue(L, 1);
  int status = lua_pcall(L, 1, 0, 0);
  if (status != LUA_OK) {
    let_go(L, c);
    anchor(L, c, 0);
    c->started = false;
    return error_pass_on(L, status);
  }
  engine_wait_born(ts, c->engine, CLOCK_NEVER); /* a request is raised at the next instruction */
  if (c->engine != NULL) engine_close(c->engine); /* it ends by itself after its one call, though nobody may ask for it */
  note_pid(c);
  give_flights(L, c);
  look(L, c);
  lua_settop(L, 1);
  return 1;
}

/* As park, until its process and zygote are gone. Others may wait, too, and let go of it first. */
static ParkResult wait_for(lua_State *L, Tstate *ts, Child *c, int64_t deadline) {
  Task *t = c->task;
  Engine *e = t->engine;
  atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
  ParkResult result = engine_wait_task(ts, t, deadline);
  if (result == PARK_GRANTED) engine_wait_ended(ts, e, deadline); /* nothing is left of it, unless this is interrupted */
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

static int child_close(lua_State *L) {
  Child *c = object_check(L, 1, &child_type);
  if (c->closed) return 0;
  if (c->started && !look(L, c))
    return error_raise_state(L, "running", "a Process that runs cannot be closed: join or terminate it first");
  c->closed = true;
  return 0;
}

int process_active_children(lua_State *L) {
  lua_settop(L, 0);
  lua_newtable(L);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &children_key) != LUA_TTABLE) {
    lua_settop(L, 1);
    return 1;
  }
  lua_newtable(L); /* looking changes the table of children */
  lua_Integer n = 0;
  for (lua_pushnil(L); lua_next(L, 2) != 0;) {
    const Child *c = object_test(L, -1, &child_type);
    if (c != NULL && c->engine != NULL && !engine_foreign(c->engine)) lua_rawseti(L, 3, ++n);
    else lua_pop(L, 1);
  }
  lua_Integer running = 0;
  for (lua_Integer k = 1; k <= n; k++) {
    lua_rawgeti(L, 3, k);
    if (!look(L, lua_touserdata(L, -1))) lua_rawseti(L, 1, ++running);
    else lua_pop(L, 1);
  }
  lua_settop(L, 1);
  return 1;
}

static int send_signal(lua_State *L, int sig) {
  Child *c = check(L);
  if (!c->started) return luaL_error(L, "the process was not started");
  if (!look(L, c) && c->task != NULL && !engine_foreign(c->engine)) engine_signal(c->engine, sig);
  return 0;
}

static int child_terminate(lua_State *L) { return send_signal(L, SIGTERM); }

static int child_kill(lua_State *L) { return send_signal(L, SIGKILL); }

static bool child_get(lua_State *L, void *object, const char *field) {
  Child *c = object;
  if (strcmp(field, "name") == 0) {
    lua_getiuservalue(L, 1, CHILD_NAME);
  } else if (strcmp(field, "daemon") == 0) {
    lua_pushboolean(L, c->owner.daemon);
  } else if (strcmp(field, "pid") == 0) {
    note_pid(c);
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
    if (lua_tostring(L, 3) == NULL) object_refuse(L, field, "string");
    lua_pushvalue(L, 3);
    lua_setiuservalue(L, 1, CHILD_NAME);
    return true;
  }
  if (strcmp(field, "daemon") != 0) return false;
  if (c->started) luaL_error(L, "daemon can be set only before the process is started");
  c->owner.daemon = object_flag(L, field);
  return true;
}

static int child_tostring(lua_State *L) {
  Child *c = object_check(L, 1, &child_type);
  lua_getiuservalue(L, 1, CHILD_NAME);
  const char *name = text_push_shown(L, -1), *daemon = c->owner.daemon ? ", daemon" : "";
  if (c->closed) lua_pushfstring(L, "Process(%s, closed%s)", name, daemon);
  else if (!c->started) lua_pushfstring(L, "Process(%s, new%s)", name, daemon);
  else if (look(L, c)) lua_pushfstring(L, "Process(%s, exit code %d%s)", name, c->exitcode, daemon);
  else lua_pushfstring(L, "Process(%s, pid %d%s)", name, (int)c->pid, daemon);
  return 1;
}

static void push_name(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &names_key);
  lua_Integer n = lua_tointeger(L, -1) + 1;
  lua_pop(L, 1);
  lua_pushinteger(L, n);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &names_key);
  lua_pushfstring(L, "Process-%I", (LUAI_UACINT)n);
}

int process_new(lua_State *L) {
  static const Option known[] = {{"target", OPTION_CALL, 0, 0, NULL},
                                 {"args", OPTION_LIST, 0, 0, NULL},
                                 {"name", OPTION_STRING, 0, 0, NULL},
                                 {"daemon", OPTION_FLAG, 0, 0, NULL},
                                 {NULL, OPTION_FLAG, 0, 0, NULL}};
  options_take(L, 1, "Process", known, NULL);
  Child *c = object_new(L, &child_type, CHILD_VALUES);
  c->owner.ended = engine_has_ended;
  if (lua_getfield(L, 1, "target") == LUA_TNIL)
    return luaL_error(L, "bad field 'target' to 'Process' (function expected, got nil)");
  lua_setiuservalue(L, 2, CHILD_TARGET);
  lua_getfield(L, 1, "args");
  count_args(L, -1);
  lua_setiuservalue(L, 2, CHILD_ARGS);
  size_t length = 0;
  lua_getfield(L, 1, "name");
  if (lua_tolstring(L, -1, &length) == NULL || length == 0) push_name(L); /* none, or "" */
  lua_setiuservalue(L, 2, CHILD_NAME);
  c->owner.daemon = options_flag(L, 1, "daemon", false);
  lua_settop(L, 2);
  return 1;
}

/* It is anchored while it runs: so either it does not, or the state is closed, after an exit that did not wait, or before
 * the threads of an attached state are waited for. */
static int child_collect(lua_State *L) {
  Child *c = object_check(L, 1, &child_type);
  if (c->engine == NULL || engine_foreign(c->engine)) return 0;
  engine_stop(c->engine);
  let_go(L, c);
  return 0;
}

static const luaL_Reg child_methods[] = {{"start", child_start},         {"join", child_join}, {"is_alive", child_is_alive},
                                         {"terminate", child_terminate}, {"kill", child_kill}, {"close", child_close},
                                         {NULL, NULL}};

static const luaL_Reg child_meta[] = {{"__tostring", child_tostring}, {"__gc", child_collect}, {NULL, NULL}};

static const char *const child_fields[] = {"name", "daemon", "pid", "exitcode", NULL};

static const ObjectType child_type = {.name = "gilua.Process",
                                      .size = sizeof(Child),
                                      .methods = child_methods,
                                      .meta = child_meta,
                                      .fields = child_fields,
                                      .get = child_get,
                                      .set = child_set};
