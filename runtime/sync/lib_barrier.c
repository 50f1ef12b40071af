/* threading.Barrier(parties [, action [, timeout]]): `parties` threads wait for each other, again and again.
 *
 *   barrier:wait([timeout]) -> 1 … parties, or nil, "broken"      barrier:reset()     barrier:abort()
 *   barrier.parties     barrier.n_waiting     barrier.broken
 *
 * States            who                                             meaning
 *   filling         wait of all but the last                        count < parties have arrived and are parked
 *   acting          the last to arrive, while action runs           newcomers wait in the lobby; `actor` is its thread
 *   broken          abort, a timeout, an error in action            wait answers "broken" until reset
 * The last arrival grants all others, so there is no draining: the next round begins at once. reset and abort during
 * the action end the round that it belongs to: `round` changes, and the last arrival finds that it is broken too.
 */
#include <lauxlib.h>
#include <string.h>

#include "runtime/state/error.h"
#include "runtime/state/order.h"
#include "runtime/sync/lib_sync.h"

enum { PASSED = 1, BROKEN = 0 }; /* a waiter's outcome: BROKEN, or its number */

typedef struct BarrierObject {
  ObjectHead head;
  lua_Integer parties; /* [i] */
  lua_Number timeout;  /* [i] seconds of a wait that names none, or < 0 */
  lua_Integer count;   /* [G] arrived in this round */
  lua_Integer round;   /* [G] */
  lua_Integer actor;   /* [G] ident of the thread that runs the action, or 0 */
  bool broken;         /* [G] */
  Waitq waiters;       /* [G] arrived */
  Waitq lobby;         /* [G] came during the action */
} BarrierObject;

static const ObjectType barrier_type;

static BarrierObject *check(lua_State *L) { return object_check(L, 1, &barrier_type); }

/* Ends the round: everybody who arrived passes, or finds it broken; who came during the action begins the next. */
static void end_round(Tstate *ts, BarrierObject *b, int outcome) {
  int number = outcome;
  for (Waiter *w = b->waiters.head; w != NULL; w = w->next) w->outcome = outcome == BROKEN ? BROKEN : number++;
  park_grant_all(ts, &b->waiters);
  park_grant_all(ts, &b->lobby);
  b->count = 0;
  b->round++;
  b->actor = 0;
}

static void break_round(Tstate *ts, BarrierObject *b) {
  b->broken = true;
  end_round(ts, b, BROKEN);
}

static int answer_broken(lua_State *L) {
  luaL_pushfail(L);
  lua_pushliteral(L, "broken");
  return 2;
}

/* The last to arrive runs the action and lets the others pass. */
static int finish(lua_State *L, Tstate *ts, BarrierObject *b) {
  if (lua_getiuservalue(L, 1, 1) != LUA_TNIL) {
    lua_Integer round = b->round;
    b->actor = ts->ident;
    int status = error_call(L, 0, 0);
    if (b->round == round && status != LUA_OK) break_round(ts, b);
    if (status != LUA_OK) return error_pass_on(L, status);
    if (b->round != round) return answer_broken(L);
  }
  end_round(ts, b, PASSED);
  lua_pushinteger(L, b->parties);
  return 1;
}

/* Waits until the round is over. */
static int await(lua_State *L, Tstate *ts, BarrierObject *b, int64_t deadline) {
  ParkResult result = park(ts, &b->waiters, deadline, "barrier", b);
  if (result == PARK_GRANTED) {
    if (ts->wait.outcome == BROKEN) return answer_broken(L);
    lua_pushinteger(L, ts->wait.outcome);
    return 1;
  }
  if (result == PARK_TIMEOUT) {
    break_round(ts, b);
    return answer_broken(L);
  }
  b->count--;
  park_check(L, ts, result);
  return answer_broken(L);
}

static int barrier_wait(lua_State *L) {
  BarrierObject *b = check(L);
  Tstate *ts = park_self(L);
  int64_t deadline = park_timeout(L, 2, NULL);
  if (lua_isnoneornil(L, 2) && b->timeout >= 0) deadline = park_deadline(b->timeout);
  lua_settop(L, 1);
  if (b->actor == ts->ident) luaL_error(L, "a Barrier cannot be waited for by its own action");
  while (b->actor != 0 && !b->broken)
    if (!park_check(L, ts, park(ts, &b->lobby, deadline, "barrier", b))) break_round(ts, b);
  if (b->broken) return answer_broken(L);
  order_meet(ts, b); /* so the last one comes behind all */
  if (++b->count == b->parties) return finish(L, ts, b);
  return await(L, ts, b, deadline);
}

static int barrier_abort(lua_State *L) {
  break_round(park_self(L), check(L));
  return 0;
}

static int barrier_reset(lua_State *L) {
  BarrierObject *b = check(L);
  b->broken = false;
  end_round(park_self(L), b, BROKEN);
  return 0;
}

static bool barrier_get(lua_State *L, void *object, const char *field) {
  const BarrierObject *b = object;
  if (strcmp(field, "parties") == 0) lua_pushinteger(L, b->parties);
  else if (strcmp(field, "n_waiting") == 0) lua_pushinteger(L, b->actor != 0 ? 0 : b->count);
  else if (strcmp(field, "broken") == 0) lua_pushboolean(L, b->broken);
  else return false;
  return true;
}

static void describe(lua_State *L, void *object) {
  const BarrierObject *b = object;
  lua_pushfstring(L, b->broken ? "%I of %I waiting, broken" : "%I of %I waiting", (LUAI_UACINT)(b->actor != 0 ? 0 : b->count),
                  (LUAI_UACINT)b->parties);
}

static const luaL_Reg barrier_methods[] = {
    {"abort", barrier_abort}, {"reset", barrier_reset}, {"wait", barrier_wait}, {NULL, NULL}};

static const char *const barrier_fields[] = {"parties", "n_waiting", "broken", NULL};

static const ObjectType barrier_type = {.name = "gilua.Barrier", .size = sizeof(BarrierObject), .methods = barrier_methods,
                                        .describe = describe, .fields = barrier_fields, .get = barrier_get};

static int new_barrier(lua_State *L) {
  object_check_last(L, 3);
  lua_Integer parties = luaL_checkinteger(L, 1);
  luaL_argcheck(L, parties >= 1, 1, "must be one or more");
  if (!lua_isnoneornil(L, 2)) object_check_callable(L, 2);
  park_timeout(L, 3, NULL);
  lua_Number timeout = luaL_optnumber(L, 3, -1);
  lua_settop(L, 2);
  BarrierObject *b = object_new(L, &barrier_type, 1);
  b->parties = parties;
  b->timeout = timeout;
  lua_pushvalue(L, 2);
  lua_setiuservalue(L, -2, 1);
  return 1;
}

void lib_barrier_add(lua_State *L) {
  lua_pushcfunction(L, new_barrier);
  lua_setfield(L, -2, "Barrier");
}
