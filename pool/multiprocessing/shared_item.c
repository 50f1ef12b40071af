/* See shared_item.h. */
#include "pool/multiprocessing/shared_item.h"

#include <lauxlib.h>
#include <string.h>

#include "pool/pickle/pickle.h"
#include "pool/process/flights.h"
#include "runtime/state/after_read.h"
#include "runtime/state/call.h"
#include "runtime/state/error.h"

/* Behind ITEM_CARRIER: how many flights of the queue's arena it carries (uint32_t), their numbers, and what stands behind
 * ITEM_PICKLE. Who has taken it out carries them: who dies then takes them along. */
typedef enum ItemTag { ITEM_PICKLE, ITEM_INTEGER, ITEM_FLOAT, ITEM_STRING, ITEM_TRUE, ITEM_FALSE, ITEM_NIL, ITEM_CARRIER } ItemTag;

enum { ITEM_PARTS = 4 };

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

/* What m carries is the queue's before others can take it out: who dies between leaves it to the queue. */
static ParkResult put(lua_State *L, Tstate *ts, SharedHandle *h, const PickleMessage *m, const struct iovec *parts,
                      int64_t deadline, SQueueResult *result) {
  SharedObject *other = h->s.object->peer != 0 ? shared_at(h->s.arena, h->s.object->peer) : NULL;
  Shared end = {.arena = h->s.arena, .object = other, .serial = other != NULL ? other->serial : 0, .holder = h->s.holder};
  Shared *queue = other != NULL ? &end : &h->s;
  shared_use(h);
  flights_to_queue(L, m, queue);
  ParkResult outcome = squeue_put(ts, queue, parts, ITEM_PARTS, deadline, result);
  if (outcome != PARK_GRANTED || *result != SQUEUE_DONE) flights_back(L, m);
  shared_unuse(h);
  return outcome;
}

ParkResult shared_item_put(lua_State *L, Tstate *ts, SharedHandle *h, int i, int64_t deadline, SQueueResult *result) {
  unsigned char tag = ITEM_PICKLE;
  lua_Integer word;
  PickleMessage message = {0};
  struct iovec parts[ITEM_PARTS] = {{&tag, 1}, {NULL, 0}, {NULL, 0}, {NULL, 0}};
  uint32_t n = 0;
  if (!flat(L, i, &tag, &word, &parts[1])) {
    pickle_dump(L, i, 1, PICKLE_VALUE, NULL, &message);
    flights_push_numbers(L, &message, &h->s);
    n = (uint32_t)(lua_rawlen(L, -1) / sizeof n);
    if (n > 0) tag = ITEM_CARRIER;
    if (n > 0) parts[1] = (struct iovec){&n, sizeof n};
    parts[2] = (struct iovec){(void *)lua_tostring(L, -1), n * sizeof n};
    parts[3] = (struct iovec){message.bytes, message.size};
  }
  bool open = shared_usable(&h->s); /* pickling calls what Lua code it likes */
  ParkResult outcome = open ? put(L, ts, h, &message, parts, deadline, result) : PARK_GRANTED;
  pickle_message_free(L, &message);
  if (!open) shared_refuse(L, h);
  if (outcome == PARK_GRANTED && *result == SQUEUE_NO_MEMORY) luaL_error(L, "the shared memory is full");
  return outcome;
}

/* The numbers of the flights that an item carries, which need not be aligned, and how many; NULL: none. */
static const unsigned char *carried(const Arena *a, const QueueItem *item, uint32_t *n) {
  const unsigned char *bytes = squeue_bytes(a, item);
  *n = 0;
  if (item->size < 1 + sizeof *n || bytes[0] != ITEM_CARRIER) return NULL;
  memcpy(n, bytes + 1, sizeof *n);
  if (*n > (item->size - 1 - sizeof *n) / sizeof *n) *n = 0;
  return bytes + 1 + sizeof *n;
}

/* They have another carrier now, 0: they end. Where somebody who stands still has the arena, they stay as they are. */
static void carry(Arena *a, const QueueItem *item, uint64_t carrier) {
  uint32_t n, flight;
  const unsigned char *numbers = carried(a, item, &n);
  for (uint32_t i = 0; i < n; i++) {
    memcpy(&flight, numbers + i * sizeof flight, sizeof flight);
    if (carrier == 0) shared_land(a, flight);
    else if (!shared_carry(a, flight, carrier)) return;
  }
}

/* (Arena, QueueItem): the value. Large bytes are copied before they are read: nobody else may change them meanwhile. */
static int load(lua_State *L) {
  const QueueItem *item = lua_touserdata(L, 2);
  const unsigned char *start = squeue_bytes(lua_touserdata(L, 1), item), *bytes = start + 1;
  uint32_t n;
  const unsigned char *numbers = carried(lua_touserdata(L, 1), item, &n);
  if (numbers != NULL) bytes = numbers + n * sizeof n;
  size_t size = item->size - (size_t)(bytes - start);
  if (item->extent != 0) bytes = memcpy(lua_newuserdatauv(L, size, 0), bytes, size);
  return pickle_load(L, bytes, size, NULL, PICKLE_TRUSTED | PICKLE_REQUIRE, LUA_NOREF);
}

static bool put_back(Tstate *ts, Shared *s, QueueItem *item) {
  carry(s->arena, item, extent_of_object(s->object->index));
  return squeue_put_back(ts, s, item);
}

/* A request of this thread amid a constructor is not the item's end: it goes back, for who asks next. */
static void push_pickled(lua_State *L, Tstate *ts, SharedHandle *h, Arena *a, QueueItem *item) {
  bool open = shared_usable(&h->s);
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  lua_pushcfunction(L, load);
  lua_pushlightuserdata(L, a);
  lua_pushlightuserdata(L, item);
  if (open) shared_use(h);
  carry(a, item, shared_self());
  AfterRead reading;
  after_read_begin(ts, &reading);
  CallResult result = call_user(L, 2, 1);
  bool back = result == CALL_REQUESTED && open && put_back(ts, &h->s, item);
  after_read_end(ts, &reading, back);
  if (result != CALL_OK && !back) carry(a, item, 0);
  if (open) shared_unuse(h);
  squeue_done(a, item);
  if (result == CALL_REQUESTED) lua_error(L);
  if (result == CALL_OK) return;
  lua_pop(L, 1);
  error_pass_on(L, LUA_ERRRUN);
}

static void push(lua_State *L, Tstate *ts, SharedHandle *h, Arena *a, QueueItem *item) {
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
    case ITEM_PICKLE:
    case ITEM_CARRIER: push_pickled(L, ts, h, a, item); break;
    default: lua_pushnil(L);
  }
}

ParkResult shared_item_get(lua_State *L, Tstate *ts, SharedHandle *h, bool string, int64_t deadline, SQueueResult *result) {
  Arena *a = h->s.arena; /* it stays, whatever a finalizer closes */
  QueueItem item;
  item.extent = 0;
  shared_use(h);
  ParkResult outcome = squeue_get(ts, &h->s, deadline, string ? ITEM_STRING : -1, &item, result);
  shared_unuse(h);
  if (outcome != PARK_GRANTED || *result != SQUEUE_DONE) return outcome;
  push(L, ts, h, a, &item);
  if (item.extent != 0) squeue_done(a, &item);
  return outcome;
}
