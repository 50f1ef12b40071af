/* See shared_item.h. */
#include "pool/multiprocessing/shared_item.h"

#include <string.h>

#include "pool/pickle/pickle.h"

typedef enum ItemTag { ITEM_PICKLE, ITEM_INTEGER, ITEM_FLOAT, ITEM_STRING, ITEM_TRUE, ITEM_FALSE, ITEM_NIL } ItemTag;

/* What has no parts; false: pickle it. */
static bool flat(lua_State *L, int i, unsigned char *tag, lua_Integer *word, struct iovec *part) {
  size_t size = 0;
  switch (lua_type(L, i)) {
    case LUA_TNIL: *tag = ITEM_NIL; break;
    case LUA_TBOOLEAN: *tag = lua_toboolean(L, i) ? ITEM_TRUE : ITEM_FALSE; break;
    case LUA_TSTRING:
      *tag = ITEM_STRING;
      part->iov_base = (void *)lua_tolstring(L, i, &size);
      part->iov_len = size;
      break;
    case LUA_TNUMBER:
      *tag = lua_isinteger(L, i) ? ITEM_INTEGER : ITEM_FLOAT;
      if (*tag == ITEM_INTEGER) *word = lua_tointeger(L, i);
      else memcpy(word, &(lua_Number){lua_tonumber(L, i)}, sizeof *word);
      *part = (struct iovec){word, sizeof *word};
      break;
    default: return false;
  }
  return true;
}

static ParkResult put(Tstate *ts, SharedHandle *h, const struct iovec *parts, int64_t deadline, SQueueResult *result) {
  SharedObject *other = h->s.object->peer != 0 ? shared_at(h->s.arena, h->s.object->peer) : NULL;
  Shared end = {.arena = h->s.arena, .object = other, .serial = other != NULL ? other->serial : 0, .holder = h->s.holder};
  shared_use(h);
  ParkResult outcome = squeue_put(ts, other != NULL ? &end : &h->s, parts, 2, deadline, result);
  shared_unuse(h);
  return outcome;
}

ParkResult shared_item_put(lua_State *L, Tstate *ts, SharedHandle *h, int i, int64_t deadline, SQueueResult *result) {
  unsigned char tag = ITEM_PICKLE;
  lua_Integer word;
  PickleMessage message = {0};
  struct iovec parts[2] = {{&tag, 1}, {NULL, 0}};
  if (!flat(L, i, &tag, &word, &parts[1])) {
    pickle_dump(L, i, 1, PICKLE_VALUE, NULL, &message);
    parts[1] = (struct iovec){message.bytes, message.size};
  }
  bool open = shared_usable(&h->s); /* pickling calls what Lua code it likes */
  ParkResult outcome = open ? put(ts, h, parts, deadline, result) : PARK_GRANTED;
  pickle_message_free(L, &message);
  if (!open) shared_refuse(L, h);
  if (outcome == PARK_GRANTED && *result == SQUEUE_NO_MEMORY) luaL_error(L, "the shared memory is full");
  return outcome;
}

/* Large bytes are copied before they are read: nobody else may change them meanwhile. */
static void push_pickled(lua_State *L, Arena *a, QueueItem *item) {
  const unsigned char *bytes = (const unsigned char *)squeue_bytes(a, item) + 1;
  size_t size = item->size - 1;
  if (item->extent != 0) {
    void *copy = lua_newuserdatauv(L, size, 0);
    memcpy(copy, bytes, size);
    squeue_done(a, item);
    bytes = copy;
  }
  pickle_load(L, bytes, size, NULL, PICKLE_TRUSTED | PICKLE_REQUIRE, LUA_NOREF);
}

static void push(lua_State *L, Arena *a, QueueItem *item) {
  const unsigned char *bytes = squeue_bytes(a, item);
  lua_Integer word = 0;
  lua_Number number;
  if (item->size == 1 + sizeof word) memcpy(&word, bytes + 1, sizeof word);
  switch (item->size > 0 ? (ItemTag)bytes[0] : ITEM_NIL) {
    case ITEM_INTEGER: lua_pushinteger(L, word); break;
    case ITEM_FLOAT:
      memcpy(&number, &word, sizeof number);
      lua_pushnumber(L, number);
      break;
    case ITEM_STRING: lua_pushlstring(L, (const char *)bytes + 1, item->size - 1); break;
    case ITEM_TRUE:
    case ITEM_FALSE: lua_pushboolean(L, bytes[0] == ITEM_TRUE); break;
    case ITEM_PICKLE: push_pickled(L, a, item); break;
    default: lua_pushnil(L);
  }
}

ParkResult shared_item_get(lua_State *L, Tstate *ts, SharedHandle *h, int64_t deadline, SQueueResult *result) {
  Arena *a = h->s.arena; /* it stays, whatever a finalizer closes */
  QueueItem item;
  item.extent = 0;
  shared_use(h);
  ParkResult outcome = squeue_get(ts, &h->s, deadline, &item, result);
  shared_unuse(h);
  if (outcome != PARK_GRANTED || *result != SQUEUE_DONE) return outcome;
  push(L, a, &item);
  if (item.extent != 0) squeue_done(a, &item);
  return outcome;
}
