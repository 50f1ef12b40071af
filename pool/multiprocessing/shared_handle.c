/* See shared_handle.h. */
#include "pool/multiprocessing/shared_handle.h"

#include <errno.h>
#include <string.h>

#include "pool/multiprocessing/landings.h"
#include "pool/pickle/pickle.h"
#include "pool/process/flights.h"
#include "runtime/shared/squeue.h"
#include "runtime/state/error.h"
#include "runtime/state/scarce.h"

static const ObjectType *const types[] = {[SHARED_LOCK] = &shared_lock_type,
                                          [SHARED_RLOCK] = &shared_rlock_type,
                                          [SHARED_CONDITION] = &shared_condition_type,
                                          [SHARED_EVENT] = &shared_event_type,
                                          [SHARED_SEMAPHORE] = &shared_semaphore_type,
                                          [SHARED_BOUNDED_SEMAPHORE] = &shared_bounded_semaphore_type,
                                          [SHARED_BARRIER] = &shared_barrier_type,
                                          [SHARED_VALUE] = &shared_value_type,
                                          [SHARED_QUEUE] = &shared_queue_type,
                                          [SHARED_JOINABLE_QUEUE] = &shared_joinable_queue_type,
                                          [SHARED_SIMPLE_QUEUE] = &shared_simple_queue_type,
                                          [SHARED_PIPE_END] = &shared_connection_type};

enum { KINDS = sizeof types / sizeof types[0] };

/* "gilua.multiprocessing.Lock" -> "Lock" */
static const char *short_name(const ObjectType *type) { return strrchr(type->name, '.') + 1; }

static const char *reason_of(int err) {
  switch (err) {
    case ENOSPC: return "the shared memory is full";
    case EUSERS: return "more than 1024 processes share this memory";
    case EBUSY: return "a process that stands still is changing the shared memory";
    default: return strerror(err);
  }
}

static int refuse_new(lua_State *L, SharedKind kind, int err) {
  return luaL_error(L, "cannot make a %s that processes share: %s", short_name(types[kind]), reason_of(err));
}

SharedHandle *shared_push_new(lua_State *L, SharedKind kind, size_t size) {
  SharedHandle *h = object_new(L, types[kind], SHARED_VALUES);
  int err = shared_new(&h->s, 1, kind, size);
  if (err != 0 && scarce_collect(L, err)) err = shared_new(&h->s, 1, kind, size);
  if (err != 0) refuse_new(L, kind, err);
  return h;
}

void shared_push_pair(lua_State *L, SharedKind kind, size_t size) {
  Shared both[2];
  SharedHandle *a = object_new(L, types[kind], SHARED_VALUES), *b = object_new(L, types[kind], SHARED_VALUES);
  int err = shared_new(both, 2, kind, size);
  if (err != 0 && scarce_collect(L, err)) err = shared_new(both, 2, kind, size);
  if (err != 0) refuse_new(L, kind, err);
  a->s = both[0];
  b->s = both[1];
}

int shared_refuse(lua_State *L, const SharedHandle *h) {
  const char *name = short_name(h->head.type);
  if (shared_closed(h)) return error_raise_state(L, "closed", "this %s is closed", name);
  return error_raise_state(L, "gone", "this %s is gone: every process that had it when this one was forked has dropped it", name);
}

/* Of a Pipe. */
static void wake_end(SharedObject *end) { places_wake_all(&((SharedQueue *)end)->places); }

void shared_close(SharedHandle *h) {
  if (h->s.arena == NULL) return;
  if (h->s.users > 0 && h->s.holder == shared_self()) {
    atomic_store(&h->s.closing, true);
    wake_end(h->s.object);
    return;
  }
  shared_drop(&h->s, wake_end);
}

void shared_unuse(SharedHandle *h) {
  if (--h->s.users == 0 && atomic_load(&h->s.closing)) shared_close(h);
}

/* The object at index 1 for a metamethod, which debug.getmetatable gives to anybody. */
static SharedHandle *any_handle(lua_State *L) {
  SharedHandle *h = lua_touserdata(L, 1);
  bool is = h != NULL && lua_rawlen(L, 1) >= sizeof *h;
  for (int i = 0; is && i < KINDS; i++)
    if (types[i] != NULL && types[i] == h->head.type) return h;
  luaL_typeerror(L, 1, "gilua.multiprocessing object");
  return NULL;
}

int shared_collect(lua_State *L) {
  shared_close(any_handle(L));
  return 0;
}

/* (nonce, pid, fd, index, serial, kind, flight, user values …), and what the message keeps */
enum { ATTACH_VALUES = 8 };

int shared_reduce(lua_State *L) {
  SharedHandle *h = any_handle(L);
  SharedName name;
  lua_settop(L, 1);
  shared_ready(L, h);
  luaL_checkstack(L, ATTACH_VALUES + SHARED_VALUES + 2, NULL);
  MessageFlight *flight = flights_push(L);
  int err = shared_name(&h->s, &name);
  if (err != 0) return luaL_error(L, "cannot send a %s: %s", short_name(h->head.type), reason_of(err));
  flights_begin(flight, h->s.arena, name.flight);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, types) != LUA_TFUNCTION) return luaL_error(L, "no way to attach");
  lua_pushinteger(L, (lua_Integer)name.nonce);
  lua_pushinteger(L, name.pid);
  lua_pushinteger(L, name.fd);
  lua_pushinteger(L, name.index);
  lua_pushinteger(L, name.serial);
  lua_pushinteger(L, name.kind);
  lua_pushinteger(L, name.flight);
  for (int i = 1; i <= SHARED_VALUES; i++) lua_getiuservalue(L, 1, i);
  lua_pushvalue(L, 2);
  return ATTACH_VALUES + SHARED_VALUES + 1;
}

static int attach(lua_State *L) {
  lua_Integer kind = luaL_checkinteger(L, 6);
  luaL_argcheck(L, kind > SHARED_NONE && kind < KINDS, 6, "no kind of shared object");
  SharedName name = {(uint64_t)luaL_checkinteger(L, 1),  (int)luaL_checkinteger(L, 2),      (int)luaL_checkinteger(L, 3),
                     (uint32_t)luaL_checkinteger(L, 4),  (uint32_t)luaL_checkinteger(L, 5), (uint32_t)kind,
                     (uint32_t)luaL_checkinteger(L, 7)};
  uint32_t flight = name.flight;
  name.flight = 0;
  lua_settop(L, ATTACH_VALUES - 1 + SHARED_VALUES);
  SharedHandle *h = object_new(L, types[kind], SHARED_VALUES);
  int err = shared_attach(&h->s, &name);
  if (err != 0 && scarce_collect(L, err)) err = shared_attach(&h->s, &name);
  if (err == EBUSY || err == EUSERS || err == EMFILE || err == ENFILE || err == ENOMEM)
    return luaL_error(L, "cannot attach to a %s: %s", short_name(types[kind]), reason_of(err));
  if (err != 0)
    return luaL_error(L, "the %s is gone: keep it until the process that gets it has begun", short_name(types[kind]));
  landings_take(h->s.arena, flight);
  for (int i = 1; i <= SHARED_VALUES; i++) {
    lua_pushvalue(L, ATTACH_VALUES - 1 + i);
    lua_setiuservalue(L, -2, i);
  }
  return 1;
}

void shared_register(lua_State *L) {
  lua_pushcfunction(L, attach);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, types);
  pickle_register(L, "gilua.attach_shared");
}
