/* Work to measure threads and the lock with.
 *
 * native.count_primes(n) -> how many primes are at most n        by trial division, as one would write it in Lua
 * native.spin(seconds)                                           keeps a processor busy for so long
 */
#include <math.h>

#include "runtime/native/lib_native.h"
#include "runtime/os/clock.h"

/* Counting up to here takes some 5 us. */
#define LEAVE_PRIMES 400
#define LEAVE_SPIN 5e-6

static bool is_prime(uint64_t n) {
  if (n % 2 == 0) return n == 2;
  if (n <= UINT32_MAX) { /* a 32-bit division is several times as fast on many processors */
    for (uint32_t d = 3; (uint64_t)d * d <= n; d += 2)
      if ((uint32_t)n % d == 0) return false;
    return true;
  }
  for (uint64_t d = 3; d <= n / d; d += 2)
    if (n % d == 0) return false;
  return true;
}

static int native_count_primes(lua_State *L) {
  lua_Number limit = luaL_checknumber(L, 1);
  luaL_argcheck(L, limit == limit && limit <= 0x1p53, 1, "must be at most 2^53");
  uint64_t n = limit < 2 ? 0 : (uint64_t)limit, count = 0;
  Work work;
  work_begin(L, &work, "count_primes", n >= LEAVE_PRIMES);
  for (uint64_t i = 2; i <= n; i++) {
    if (i % 1024 == 0 && work_stopped(&work)) break;
    count += is_prime(i);
  }
  if (work_end(&work)) return work_raise(L, &work);
  lua_pushinteger(L, (lua_Integer)count);
  return 1;
}

static int native_spin(lua_State *L) {
  lua_Number seconds = luaL_checknumber(L, 1);
  int64_t deadline = park_real(park_self(L), park_timeout(L, 1, NULL));
  Work work;
  work_begin(L, &work, "spin", seconds >= LEAVE_SPIN);
  while (clock_ns() < deadline && !work_stopped(&work)) continue;
  if (work_end(&work)) return work_raise(L, &work);
  return 0;
}

void lib_experiment_add(lua_State *L) {
  static const luaL_Reg funcs[] = {{"count_primes", native_count_primes}, {"spin", native_spin}, {NULL, NULL}};
  luaL_setfuncs(L, funcs, 0);
}
