/* Running one task. All of it is protected: whatever goes wrong becomes the answer. */
#include "pool/gearman/task_run.h"

#include <lauxlib.h>
#include <string.h>
#include <unistd.h>

#include "pool/futures/chunk.h"
#include "pool/gearman/task_key.h"
#include "pool/pickle/pickle.h"
#include "pool/process/unsendable.h"
#include "runtime/os/clock.h"
#include "runtime/os/stdio.h"
#include "runtime/state/call.h"
#include "runtime/state/error.h"
#include "runtime/state/at_fork.h"
#include "runtime/state/release.h"
#include "runtime/state/require.h"
#include "runtime/state/text.h"

typedef struct Run {
  const Doer *doer;
  const Envelope *task;
  EnvelopeKind kind;
  PickleMessage message;
  int64_t ns;
} Run;

enum { RUN = 1, MODULES, FUNCTION, CHUNK_ARGS = 7 };

static const char *push_signature_refusal(lua_State *L, const Doer *d, const Envelope *e) {
  bool wants = d->token.size > 0, has = (e->flags & ENVELOPE_SIGNED) != 0;
  if (!wants && has) return lua_pushliteral(L, "the task is signed, and this worker was started without a token");
  if (wants && !has) return lua_pushliteral(L, "the task is not signed, and this worker has a token");
  if (wants && !token_accepts(&d->token, e->covered, e->signature))
    return lua_pushliteral(L, "the task is not signed with this worker's token");
  if (!wants && e->kind == TASK_BY_VALUE)
    return lua_pushliteral(L, "the task brings its function along, and this worker was started without a token");
  return NULL;
}

void task_look(lua_State *L, const Doer *d, View payload, View unique, Envelope *out) {
  int err = envelope_read_task(payload.bytes, payload.size, out);
  if (err == ENVELOPE_EVERSION) {
    lua_pushfstring(L, "the task comes in another version of the protocol than this worker's (%d)", ENVELOPE_VERSION);
  } else if (err != 0) {
    lua_pushstring(L, err == ENVELOPE_EFOREIGN ? "the job is no task of gilua's" : "the task is damaged");
  } else if (push_signature_refusal(L, d, out) != NULL) {
    return;
  } else if (out->unique.size != unique.size || memcmp(out->unique.bytes, unique.bytes, unique.size) != 0) {
    lua_pushliteral(L, "the task was sent under the name of another");
  } else if (out->kind == TASK_BY_VALUE && out->release != (uint32_t)release_number()) {
    lua_pushfstring(L,
                    "the task brings bytecode of Lua %d.%d.%d, and this worker runs Lua %d.%d.%d: install the same "
                    "release, or call a function of a module",
                    (int)(out->release / 10000), (int)(out->release / 100 % 100), (int)(out->release % 100),
                    release_number() / 10000, release_number() / 100 % 100, release_number() % 100);
  } else {
    lua_pushnil(L);
  }
}

/* rest: what stands behind the body, which is empty then; its reference is taken over. */
static Payload *seal(const Doer *d, const char *handle, const Envelope *e, Payload *rest) {
  uint8_t head[ENVELOPE_MOST_HEAD], signature[ENVELOPE_SIGNATURE] = {0};
  bool sign = (e->flags & ENVELOPE_SIGNED) != 0;
  const Piece pieces[] = {{handle, strlen(handle) + 1},
                          {head, envelope_write_result(head, e)},
                          {e->body.bytes, e->body.size},
                          {signature, sign ? sizeof signature : 0}};
  Payload *p = payload_packet(PACKET_WORK_COMPLETE, pieces, 4, rest);
  if (p == NULL || !sign) return p;
  uint8_t *start = p->bytes + PACKET_HEAD + pieces[0].size, *end = p->bytes + p->size - ENVELOPE_SIGNATURE;
  if (token_sign(&d->token, start, (size_t)(end - start), end)) return p;
  payload_drop(p);
  return NULL;
}

static Payload *answer_with(const Doer *d, const char *handle, Envelope e, Payload *rest) {
  e.name = (View){(const uint8_t *)d->where, strlen(d->where)};
  return seal(d, handle, &e, rest);
}

Payload *task_answer(const Doer *d, const char *handle, const Envelope *answer) {
  Envelope e = *answer;
  e.flags = d->token.size > 0 && e.kind != RESULT_REFUSED ? ENVELOPE_SIGNED : 0;
  return answer_with(d, handle, e, NULL);
}

/* The answer whose body is the message, which may become its own. */
static Payload *answer_message(const Doer *d, const char *handle, const Envelope *answer, PickleMessage *m) {
  Payload *rest = d->token.size == 0 && m->size >= PAYLOAD_ADOPT ? payload_adopt(m->bytes, m->size) : NULL;
  Envelope e = *answer;
  if (rest != NULL) m->bytes = NULL;
  else e.body = (View){m->bytes, m->size};
  return rest != NULL ? answer_with(d, handle, e, rest) : task_answer(d, handle, &e);
}

/* The text on top becomes the answer. */
static int refuse(lua_State *L, Run *r) {
  lua_pushvalue(L, -1);
  r->kind = RESULT_REFUSED;
  return 1;
}

/* Pushes the function of that name; or, false, why there is none. */
static bool push_function(lua_State *L, const Run *r) {
  const char *name = (const char *)r->task->name.bytes, *colon = memchr(name, ':', r->task->name.size);
  size_t size = colon != NULL ? (size_t)(colon - name) : 0;
  if (size == 0) {
    lua_pushliteral(L, "the task has no name of a function (\"module:function\")");
    return false;
  }
  lua_pushlstring(L, name, size);
  lua_pushlstring(L, colon + 1, r->task->name.size - size - 1);
  int top = lua_gettop(L);
  lua_pushvalue(L, top - 1);
  if (lua_rawget(L, MODULES) == LUA_TNIL && r->doer->token.size > 0) {
    lua_pop(L, 1);
    require_push(L);
    lua_pushvalue(L, top - 1);
    lua_call(L, 1, 1);
  }
  if (lua_isnil(L, -1)) {
    lua_pushfstring(L, "this worker was not started with --require %s", text_push_shown(L, top - 1));
    return false;
  }
  lua_pushvalue(L, top);
  if (!lua_istable(L, -2) || lua_rawget(L, -2) != LUA_TFUNCTION) {
    const char *module = text_push_shown(L, top - 1);
    lua_pushfstring(L, "module '%s' has no function '%s'", module, text_push_shown(L, top));
    return false;
  }
  return true;
}

/* (Run, modules): leaves the function and its arguments; returns how many; -1: the reason for a refusal is on top. */
static int load_call(lua_State *L, Run *r) {
  const Envelope *t = r->task;
  bool chunk = (t->flags & ENVELOPE_CHUNK) != 0;
  unsigned flags = r->doer->token.size > 0 ? PICKLE_TRUSTED | PICKLE_REQUIRE : PICKLE_CLASSES;
  int n = pickle_load(L, t->body.bytes, t->body.size, NULL, flags, LUA_NOREF);
  if (n < 1 || (chunk && n != CHUNK_ARGS)) {
    lua_pushliteral(L, "the task is damaged");
    return -1;
  }
  if (t->kind == TASK_BY_NAME) {
    if (!push_function(L, r)) return -1;
    lua_replace(L, FUNCTION + chunk);
    lua_settop(L, FUNCTION + n - 1);
  }
  if (chunk) {
    lua_pushcfunction(L, chunk_run);
    lua_replace(L, FUNCTION);
  }
  return n - 1;
}

/* (Run, …): the values become the result. */
static int dump_rest(lua_State *L) {
  Run *r = lua_touserdata(L, 1);
  pickle_dump(L, 2, lua_gettop(L) - 1, PICKLE_RESULTS, NULL, &r->message);
  if (r->message.size <= r->doer->most) return 0;
  lua_pushfstring(L, "the result takes %I bytes, and the worker's --max-payload is %I", (LUAI_UACINT)r->message.size,
                  (LUAI_UACINT)r->doer->most);
  error_push_value(L, ERROR_PICKLE);
  return lua_error(L);
}

/* Whether the n values at `first` can be sent: they are the result then, else the reason is on top. */
static bool try_dump(lua_State *L, Run *r, int first, int n) {
  luaL_checkstack(L, n + 8, NULL);
  lua_pushcfunction(L, dump_rest);
  lua_pushlightuserdata(L, r);
  for (int k = 0; k < n; k++) lua_pushvalue(L, first + k);
  if (lua_pcall(L, n + 1, 0, 0) == LUA_OK) return true;
  pickle_message_free(L, &r->message);
  return false;
}

/* The error and its traceback on top of the stack are the result; as text, if they cannot travel. */
static void dump_error(lua_State *L, Run *r) {
  int i = lua_gettop(L) - 1;
  r->kind = RESULT_ERROR;
  if (try_dump(L, r, i, 2)) return;
  unsendable_push_error(L, i);
  lua_getfield(L, -1, "traceback");
  pickle_dump(L, lua_gettop(L) - 1, 2, PICKLE_RESULTS, NULL, &r->message);
}

/* (Run, modules) -> reason of a refusal, or nothing; protected */
static int run_task(lua_State *L) {
  Run *r = lua_touserdata(L, RUN);
  int nargs = load_call(L, r);
  if (nargs < 0) return refuse(L, r);
  int64_t began = clock_ns();
  CallResult result = call_user(L, nargs, LUA_MULTRET);
  r->ns = clock_ns() - began;
  if (result == CALL_REQUESTED) error_push_traceback(L, -1);
  if (result != CALL_OK) {
    dump_error(L, r);
    return 0;
  }
  int n = lua_gettop(L) - FUNCTION + 1;
  r->kind = RESULT_VALUES;
  if (try_dump(L, r, FUNCTION, n)) return 0;
  if ((r->task->flags & ENVELOPE_CHUNK) == 0 || n != CHUNK_VALUES) return lua_error(L);
  unsendable_mend_chunk(L, FUNCTION, NULL);
  pickle_dump(L, FUNCTION, n, PICKLE_RESULTS, NULL, &r->message);
  return 0;
}

/* What could not be read, run or written, protected: (Run, error). The second time as text. */
static int run_failure(lua_State *L) {
  Run *r = lua_touserdata(L, RUN);
  pickle_message_free(L, &r->message);
  error_push_traceback(L, 2);
  dump_error(L, r);
  return 0;
}

static int run_failure_as_text(lua_State *L) {
  Run *r = lua_touserdata(L, RUN);
  pickle_message_free(L, &r->message);
  error_push_text(L, 2);
  lua_replace(L, 2);
  lua_pushnil(L);
  dump_error(L, r);
  return 0;
}

static bool fails(lua_State *L, Run *r, lua_CFunction f) {
  lua_pushcfunction(L, f);
  lua_pushlightuserdata(L, r);
  lua_pushvalue(L, -3);
  return lua_pcall(L, 2, 0, 0) != LUA_OK;
}

static void set_key(lua_State *L, View unique) {
  if (unique.bytes != NULL) lua_pushlstring(L, (const char *)unique.bytes, unique.size);
  else lua_pushnil(L);
  task_key_set(L);
}

Payload *task_run(lua_State *L, const Doer *d, const Envelope *task, const char *handle, int modules) {
  Run r = {.doer = d, .task = task};
  unsigned forks = at_fork_count();
  int base = lua_gettop(L);
  luaL_checkstack(L, 12, NULL);
  set_key(L, task->unique);
  lua_pushcfunction(L, run_task);
  lua_pushlightuserdata(L, &r);
  lua_pushvalue(L, modules);
  bool ok = lua_pcall(L, 2, LUA_MULTRET, 0) == LUA_OK;
  bool lost = !ok && fails(L, &r, run_failure) && fails(L, &r, run_failure_as_text);
  if (at_fork_count() != forks) _exit(0); /* a child that the task forked: its parent answers */
  set_key(L, (View){0});
  stdio_flush_free(); /* what is written is not lost when this process is killed */
  if (lost) luaL_error(L, "not enough memory for the answer to a task");
  Envelope answer = {.kind = r.kind, .unique = task->unique, .ns = (uint64_t)r.ns, .pid = (uint32_t)getpid()};
  bool refused = r.kind == RESULT_REFUSED;
  if (refused) answer.body.bytes = (const uint8_t *)lua_tolstring(L, -1, &answer.body.size);
  Payload *p = refused ? task_answer(d, handle, &answer) : answer_message(d, handle, &answer, &r.message);
  pickle_message_free(L, &r.message);
  lua_settop(L, base + refused);
  if (!refused) lua_pushnil(L);
  if (p == NULL) luaL_error(L, "not enough memory for the answer to a task");
  return p;
}
