/* gilua.time: sleeping and clocks.
 *
 *   time.sleep(seconds)                                                leaves the lock
 *   time.time()  time.monotonic()  time.perf_counter()                 seconds
 *   time.time_ns()  time.monotonic_ns()  time.perf_counter_ns()        integers
 */
#include <lauxlib.h>
#include <time.h>

#include "runtime/gil/schedule.h"
#include "runtime/sync/lib_sync.h"

static int time_sleep(lua_State *L) {
  luaL_checknumber(L, 1);
  bool poll;
  int64_t deadline = park_timeout(L, 1, &poll);
  Tstate *ts = park_self(L);
  park_check(L, ts, park(ts, NULL, poll ? 0 : deadline, "sleep", NULL));
  return 0;
}

/* With a schedule every clock is the schedule's; its calendar begins in 2001, at 1e9 seconds. */
static int64_t read_ns(clockid_t id) {
  struct timespec t;
  const Tstate *ts = tstate_self();
  if (ts != NULL && ts->rt->gil.schedule != NULL)
    return schedule_read(ts->rt->gil.schedule) + (id == CLOCK_REALTIME ? SCHEDULE_EPOCH_NS : 0);
  clock_gettime(id, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int time_time(lua_State *L) {
  lua_pushnumber(L, (lua_Number)read_ns(CLOCK_REALTIME) / 1e9);
  return 1;
}

static int time_time_ns(lua_State *L) {
  lua_pushinteger(L, read_ns(CLOCK_REALTIME));
  return 1;
}

static int time_monotonic(lua_State *L) {
  lua_pushnumber(L, (lua_Number)read_ns(CLOCK_MONOTONIC) / 1e9);
  return 1;
}

static int time_monotonic_ns(lua_State *L) {
  lua_pushinteger(L, read_ns(CLOCK_MONOTONIC));
  return 1;
}

int lib_time_open(lua_State *L) {
  static const luaL_Reg funcs[] = {
      {"monotonic", time_monotonic},
      {"monotonic_ns", time_monotonic_ns},
      {"perf_counter", time_monotonic},
      {"perf_counter_ns", time_monotonic_ns},
      {"sleep", time_sleep},
      {"time", time_time},
      {"time_ns", time_time_ns},
      {NULL, NULL},
  };
  luaL_newlib(L, funcs);
  return 1;
}
