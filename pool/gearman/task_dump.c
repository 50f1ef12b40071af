/* Writing a task: by name, where the function has one or there is no token, else by value. */
#include "pool/gearman/task_dump.h"

#include <inttypes.h>
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "pool/futures/chunk.h"
#include "pool/gearman/function_name.h"
#include "pool/pickle/pickle.h"
#include "runtime/state/error.h"
#include "runtime/state/release.h"
#include "runtime/sync/blocking.h"

enum { LEAVE = 64 * 1024 /* bytes from which a signature is made without the lock */ };

static void raise_nameless(lua_State *L) {
  error_push(L, ERROR_PICKLE,
             "without a token a task goes by name, and this function is no field of a module in package.loaded: put it "
             "into a module that the workers require, or give them and this executor the same token");
  lua_pushliteral(L, "function");
  lua_setfield(L, -2, "path");
  lua_error(L);
}

/* Decides how the function at index f travels, pushes its name if it does by that, and false in its place then. */
static bool push_name(lua_State *L, int f, bool trusted) {
  bool named = lua_type(L, f) == LUA_TSTRING;
  if (named) {
    function_name_check(L, f);
    lua_pushvalue(L, f);
  } else {
    named = lua_isfunction(L, f) && function_name_push(L, f);
  }
  if (!named && trusted) return false;
  if (!named) raise_nameless(L);
  lua_pushboolean(L, false);
  lua_replace(L, f);
  return true;
}

static void check_size(lua_State *L, PickleMessage *message, size_t size, size_t most) {
  if (size <= most) return;
  pickle_message_free(L, message);
  lua_pushfstring(L, "the task takes %I bytes, and the executor's max_payload is %I", (LUAI_UACINT)size,
                  (LUAI_UACINT)most);
  error_push_value(L, ERROR_PICKLE);
  lua_pushliteral(L, "args");
  lua_setfield(L, -2, "path");
  lua_error(L);
}

/* The message's bytes may become the packet's own. */
static Payload *seal(const JobClient *c, const Envelope *e, const char *unique, PickleMessage *m) {
  uint8_t head[ENVELOPE_MOST_HEAD], signature[ENVELOPE_SIGNATURE] = {0};
  bool sign = (e->flags & ENVELOPE_SIGNED) != 0;
  size_t size = envelope_write_task(head, e), before = strlen(c->options.queue) + 1 + strlen(unique) + 1;
  Payload *rest = !sign && m->size >= PAYLOAD_ADOPT ? payload_adopt(m->bytes, m->size) : NULL;
  if (rest != NULL) m->bytes = NULL;
  const Piece pieces[] = {{c->options.queue, strlen(c->options.queue) + 1},
                          {unique, strlen(unique) + 1},
                          {head, size},
                          {m->bytes, rest != NULL ? 0 : m->size},
                          {signature, sign ? sizeof signature : 0}};
  Payload *p = payload_packet(PACKET_SUBMIT_JOB, pieces, 5, rest);
  if (p == NULL || !sign) return p;
  uint8_t *start = p->bytes + PACKET_HEAD + before, *end = p->bytes + p->size - ENVELOPE_SIGNATURE;
  if (token_sign(&c->token, start, (size_t)(end - start), end)) return p;
  payload_drop(p);
  return NULL;
}

Payload *task_dump(lua_State *L, Tstate *ts, JobClient *c, int first, int nargs, uint64_t number,
                   char unique[JOB_UNIQUE]) {
  bool chunk = lua_tocfunction(L, first) == chunk_run, trusted = c->token.size > 0;
  PickleRoot root = !chunk ? PICKLE_TASK : lua_toboolean(L, first + CHUNK_SPREAD) ? PICKLE_SPREAD : PICKLE_CHUNK;
  PickleMessage message = {0};
  size_t name_size = 0;
  bool named = push_name(L, chunk ? first + 1 : first, trusted);
  const char *name = named ? lua_tolstring(L, -1, &name_size) : NULL;
  if (chunk) {
    lua_pushboolean(L, false);
    lua_replace(L, first);
  }
  if (trusted) pickle_dump_elsewhere(L, first, nargs + 1, root, &message);
  else pickle_dump(L, first, nargs + 1, root, NULL, &message);
  snprintf(unique, JOB_UNIQUE, "%s-%" PRIx64, c->id, number);
  Envelope e = {.kind = named ? TASK_BY_NAME : TASK_BY_VALUE,
                .flags = (trusted ? ENVELOPE_SIGNED : 0u) | (chunk ? ENVELOPE_CHUNK : 0u),
                .unique = {(const uint8_t *)unique, strlen(unique)},
                .name = {(const uint8_t *)name, name_size},
                .release = (uint32_t)release_number(),
                .retries = c->options.retries,
                .timeout_ns = (uint64_t)c->options.task_timeout_ns};
  check_size(L, &message, message.size + ENVELOPE_MOST_HEAD, c->options.most);
  bool leave = trusted && message.size >= LEAVE;
  if (leave) blocking_begin(ts, "sign");
  Payload *p = seal(c, &e, unique, &message);
  if (leave) blocking_end(ts);
  pickle_message_free(L, &message);
  if (p == NULL) luaL_error(L, "not enough memory");
  if (named) lua_pop(L, 1);
  return p;
}
