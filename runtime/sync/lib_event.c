/* threading.Event(): a flag to wait for.
 *
 *   event:set()     event:clear()     event:is_set() -> boolean     event:wait([timeout]) -> boolean
 *
 * set wakes everybody who waits at that moment, also if the flag is cleared at once.
 */
#include <lauxlib.h>

#include "runtime/state/order.h"
#include "runtime/sync/lib_sync.h"

typedef struct EventObject {
  ObjectHead head;
  bool flag;     /* [G] */
  Waitq waiters; /* [G] empty while flag */
} EventObject;

static const ObjectType event_type;

static EventObject *check(lua_State *L) { return object_check(L, 1, &event_type); }

static int event_set(lua_State *L) {
  EventObject *e = check(L);
  Tstate *ts = park_self(L);
  e->flag = true;
  order_release(ts, e);
  park_grant_all(ts, &e->waiters);
  return 0;
}

static int event_clear(lua_State *L) {
  check(L)->flag = false;
  return 0;
}

static int event_is_set(lua_State *L) {
  const EventObject *e = check(L);
  if (e->flag) order_acquire(tstate_self(), e); /* nobody waits: it needs no runtime */
  lua_pushboolean(L, e->flag);
  return 1;
}

static int event_wait(lua_State *L) {
  EventObject *e = check(L);
  bool poll;
  int64_t deadline = park_timeout(L, 2, &poll);
  bool set = e->flag;
  if (set) order_acquire(tstate_self(), e);
  if (!set && !poll) {
    Tstate *ts = park_self(L);
    set = park_check(L, ts, park(ts, &e->waiters, deadline, "event", e));
  }
  lua_pushboolean(L, set);
  return 1;
}

static void describe(lua_State *L, void *object) { lua_pushstring(L, ((EventObject *)object)->flag ? "set" : "unset"); }

static const luaL_Reg event_methods[] = {
    {"clear", event_clear}, {"is_set", event_is_set}, {"set", event_set}, {"wait", event_wait}, {NULL, NULL}};

static const ObjectType event_type = {.name = "gilua.Event", .size = sizeof(EventObject), .methods = event_methods,
                                      .describe = describe};

static int new_event(lua_State *L) {
  object_check_last(L, 0);
  object_new(L, &event_type, 0);
  return 1;
}

void lib_event_add(lua_State *L) {
  lua_pushcfunction(L, new_event);
  lua_setfield(L, -2, "Event");
}
