/* Reading results. What comes from the network is looked at before it is believed. */
#include "pool/gearman/result_load.h"

#include <lauxlib.h>
#include <string.h>

#include "pool/futures/backend.h"
#include "pool/pickle/pickle.h"
#include "pool/process/task_error.h"
#include "runtime/state/error.h"
#include "runtime/sync/blocking.h"

enum { LEAVE = 64 * 1024, MOST_TEXT = 4096 };

/* An error alone, with no traceback. */
static FutureState failed(lua_State *L) {
  lua_pushnil(L);
  return FUTURE_FAILED;
}

static void push_died(lua_State *L, const Envelope *e, const char *where) {
  lua_pushfstring(L, "process %d of worker %s", (int)e->pid, where);
  task_error_push_died(L, (int)e->pid, (int)e->status);
}

static void push_timeout(lua_State *L, const Job *j, const char *what) {
  task_error_push_timeout(L, j->client->options.task_timeout_ns, what);
}

static FutureState protocol(lua_State *L, const char *what) {
  error_push(L, ERROR_WORKER_DIED, "a worker answered with %s", what);
  lua_pushliteral(L, "protocol");
  lua_setfield(L, -2, "cause");
  return failed(L);
}

static bool is_signed(lua_State *L, const Job *j, const Envelope *e) {
  bool leave = e->covered.size >= LEAVE;
  Tstate *ts = park_self(L);
  if (leave) blocking_begin(ts, "verify");
  bool accepted = token_accepts(&j->client->token, e->covered, e->signature);
  if (leave) blocking_end(ts);
  return accepted;
}

/* The text of a refusal, as it can be shown. */
static void push_text(lua_State *L, View v) {
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  for (size_t i = 0; i < v.size && i < MOST_TEXT; i++) {
    uint8_t c = v.bytes[i];
    luaL_addchar(&b, (c >= ' ' && c != 127) || c == '\n' ? (char)c : '?');
  }
  luaL_pushresult(&b);
}

static FutureState load_body(lua_State *L, const Job *j, const Envelope *e) {
  unsigned flags = j->client->token.size > 0 ? PICKLE_TRUSTED | PICKLE_REQUIRE : PICKLE_CLASSES;
  int n = pickle_load(L, e->body.bytes, e->body.size, NULL, flags, LUA_NOREF);
  if (e->kind == RESULT_VALUES) return FUTURE_DONE;
  lua_settop(L, lua_gettop(L) - n + 2);
  return FUTURE_FAILED;
}

static FutureState load_result(lua_State *L, const Job *j) {
  Envelope e;
  char where[ENVELOPE_MOST_NAME + 1];
  bool trusted = j->client->token.size > 0;
  int err = envelope_read_result(j->result.bytes, j->result.size, &e);
  if (err == ENVELOPE_EVERSION) {
    error_push(L, ERROR_REFUSED, "the worker answers in another version of the protocol than this program's (%d)",
               ENVELOPE_VERSION);
    return failed(L);
  }
  if (err != 0) return protocol(L, err == ENVELOPE_EFOREIGN ? "what is no result of gilua's" : "a damaged result");
  if (e.kind == RESULT_REFUSED) {
    push_text(L, e.body);
    error_push(L, ERROR_REFUSED, "%s", lua_tostring(L, -1));
    lua_remove(L, -2);
    return failed(L);
  }
  if (trusted != ((e.flags & ENVELOPE_SIGNED) != 0) || (trusted && !is_signed(L, j, &e))) {
    error_push(L, ERROR_REFUSED, trusted ? "the result is not signed with this executor's token"
                                         : "the result is signed, and this executor has no token");
    return failed(L);
  }
  if (e.unique.size != strlen(j->unique) || memcmp(e.unique.bytes, j->unique, e.unique.size) != 0)
    return protocol(L, "the result of another task");
  memcpy(where, e.name.bytes, e.name.size);
  where[e.name.size] = '\0';
  if (e.kind == RESULT_DIED) push_died(L, &e, where);
  else if (e.kind == RESULT_TIMEOUT) push_timeout(L, j, "its process was replaced");
  else return load_body(L, j, &e);
  return failed(L);
}

static void push_failure(lua_State *L, const Job *j) {
  switch (j->failure) {
    case JOB_OVERDUE: push_timeout(L, j, "nothing was heard of it"); break;
    case JOB_REFUSED: error_push(L, ERROR_REFUSED, "the job server does not take the task: %s", j->text); break;
    case JOB_FOREIGN: error_push(L, ERROR_REFUSED, "a worker that is not gilua's reported: %s", j->text); break;
    case JOB_LOST:
      error_push(L, ERROR_WORKER_DIED, "%d times a job server was lost while it had the task; the last time: %s",
                 JOB_MOST_LOSSES, j->text);
      break;
    case JOB_BROKEN:
      lua_pushfstring(L, "no job server can be reached: %s", j->client->why);
      lua_pushnil(L);
      executor_push_why(L);
      executor_push_broken(L, -1);
      lua_remove(L, -2);
      break;
    case JOB_MEMORY: lua_pushliteral(L, "not enough memory for the result of a task"); break;
    default:
      error_push(L, ERROR_WORKER_DIED,
                 "the job server gave the task up: its workers ended as often as it tries a job, or somebody cancelled "
                 "it there");
  }
}

FutureState result_load(lua_State *L, const Job *j) {
  luaL_checkstack(L, 8, NULL);
  switch (atomic_load_explicit(&j->state, memory_order_acquire)) {
    case JOB_CANCELLED: return FUTURE_CANCELLED;
    case JOB_FAILED: push_failure(L, j); return failed(L);
    default: return load_result(L, j);
  }
}
