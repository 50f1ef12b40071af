/* See flights.h. */
#include "pool/process/flights.h"

#include <lauxlib.h>

#include "runtime/shared/flight.h"
#include "runtime/state/object.h"

struct MessageFlight {
  ObjectHead head;
  Arena *arena;
  uint32_t flight; /* 0: none */
  bool away;       /* somebody else carries it: it does not end with the message */
  SharedId of;     /* a process that was forked meanwhile has a copy */
};

static const ObjectType flight_type;

/* Also once the message was sent: then its reader has attached, or never will. */
static int flight_collect(lua_State *L) {
  MessageFlight *f = object_check(L, 1, &flight_type);
  uint32_t flight = f->flight;
  f->flight = 0;
  if (flight != 0 && !f->away && f->of == shared_self()) shared_land(f->arena, flight);
  return 0;
}

static const luaL_Reg flight_methods[] = {{NULL, NULL}};
static const luaL_Reg flight_meta[] = {{"__gc", flight_collect}, {PICKLE_KEPT, flight_collect}, {NULL, NULL}};
static const ObjectType flight_type = {
    .name = "gilua.Flight", .size = sizeof(MessageFlight), .methods = flight_methods, .meta = flight_meta};

MessageFlight *flights_push(lua_State *L) { return object_new(L, &flight_type, 0); }

void flights_begin(MessageFlight *f, Arena *a, uint32_t flight) {
  f->arena = a;
  f->flight = flight;
  f->of = shared_self();
}

/* Calls f for each flight of m. */
static void for_each(lua_State *L, const PickleMessage *m, void (*f)(MessageFlight *flight, const void *arg), const void *arg) {
  if (m->pins == 0 || m->pins == LUA_NOREF) return;
  lua_rawgeti(L, LUA_REGISTRYINDEX, m->pins);
  for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
    MessageFlight *flight = object_test(L, -1, &flight_type);
    if (flight != NULL && flight->flight != 0) f(flight, arg);
  }
  lua_pop(L, 1);
}

/* Where numbers are gathered; list: or NULL, to count. */
typedef struct Numbers {
  const Arena *arena;
  uint32_t *list;
  size_t *n;
} Numbers;

static void number(MessageFlight *f, const void *arg) {
  const Numbers *to = arg;
  if (f->arena != to->arena) return;
  if (to->list != NULL) to->list[*to->n] = f->flight;
  ++*to->n;
}

void flights_push_numbers(lua_State *L, const PickleMessage *m, const Shared *queue) {
  luaL_Buffer b;
  size_t n = 0;
  Numbers to = {.arena = queue->arena, .n = &n};
  for_each(L, m, number, &to);
  size_t size = n * sizeof to.list[0];
  to.list = (uint32_t *)(void *)luaL_buffinitsize(L, &b, size);
  n = 0;
  for_each(L, m, number, &to);
  luaL_pushresultsize(&b, size);
}

static void to_queue(MessageFlight *f, const void *arg) {
  const Shared *queue = arg;
  uint64_t carrier = queue->arena == f->arena ? extent_of_object(queue->object->index) : FLIGHT_ELSEWHERE;
  shared_carry(f->arena, f->flight, carrier); /* else this process carries it on, until it ends */
  f->away = true;
}

static void to_process(MessageFlight *f, const void *arg) {
  shared_carry(f->arena, f->flight, *(const SharedId *)arg);
  f->away = true;
}

static void back(MessageFlight *f, const void *arg) {
  (void)arg;
  f->away = false;
  shared_land(f->arena, f->flight);
  f->flight = 0;
}

void flights_to_queue(lua_State *L, const PickleMessage *m, const Shared *queue) { for_each(L, m, to_queue, queue); }
void flights_back(lua_State *L, const PickleMessage *m) { for_each(L, m, back, NULL); }
void flights_to_process(lua_State *L, const PickleMessage *m, SharedId to) { for_each(L, m, to_process, &to); }
