/* os.time, os.clock, os.date and math.random under a schedule. */
#include "interp/seeded.h"

#include <lauxlib.h>
#include <lualib.h>

#include "runtime/state/tstate.h"

/* The schedule of the calling thread. One that came from outside has none of its own: then the runtime's. */
static Schedule *schedule_of(lua_State *L) { return runtime_of(L)->gil.schedule; }

static int64_t now(lua_State *L) {
  Schedule *s = schedule_of(L);
  return s != NULL ? schedule_read(s) : 0; /* none: the child of a fork */
}

static lua_Integer calendar(lua_State *L) { return (lua_Integer)((now(L) + SCHEDULE_EPOCH_NS) / 1000000000); }

static int call_standard(lua_State *L) {
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
  return lua_gettop(L);
}

static int os_time(lua_State *L) {
  if (!lua_isnoneornil(L, 1) || schedule_of(L) == NULL) return call_standard(L);
  lua_pushinteger(L, calendar(L));
  return 1;
}

static int os_date(lua_State *L) {
  if (lua_isnoneornil(L, 2) && schedule_of(L) != NULL) {
    lua_settop(L, 1);
    if (lua_isnil(L, 1)) {
      lua_pushliteral(L, "%c");
      lua_replace(L, 1);
    }
    lua_pushinteger(L, calendar(L));
  }
  return call_standard(L);
}

static int os_clock(lua_State *L) {
  if (schedule_of(L) == NULL) return call_standard(L);
  lua_pushnumber(L, (lua_Number)now(L) / 1e9);
  return 1;
}

/* The table of a library is on top: field becomes f, which has the standard one as its upvalue. */
static void wrap(lua_State *L, const char *field, lua_CFunction f) {
  lua_getfield(L, -1, field);
  lua_pushcclosure(L, f, 1);
  lua_setfield(L, -2, field);
}

void seeded_begin(lua_State *L, Schedule *schedule, uint64_t seed) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (lua_getfield(L, -1, LUA_OSLIBNAME) == LUA_TTABLE) {
    wrap(L, "time", os_time);
    wrap(L, "clock", os_clock);
    wrap(L, "date", os_date);
  }
  lua_pop(L, 1);
  if (lua_getfield(L, -1, LUA_MATHLIBNAME) == LUA_TTABLE) {
    lua_getfield(L, -1, "randomseed");
    lua_pushinteger(L, (lua_Integer)seed);
    lua_call(L, 1, 0);
  }
  lua_pop(L, 2);
  if (runtime_of(L)->nthreads > 1) luaL_error(L, "cannot begin a schedule: other threads run already");
  runtime_set_schedule(runtime_of(L), schedule);
}
