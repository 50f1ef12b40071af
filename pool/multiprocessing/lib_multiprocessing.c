/* gilua.multiprocessing: Python's names for pools of processes.
 *
 *   multiprocessing.Pool{processes, initializer, initargs, maxtasksperchild}
 *   multiprocessing.Process{target, args, name, daemon}
 *   multiprocessing.shared_array(type, n)
 *   multiprocessing.cpu_count()        processors that this program may use: affinity and control group
 */
#include "pool/multiprocessing/lib_multiprocessing.h"

#include <lauxlib.h>

#include "pool/futures/cpus.h"
#include "pool/multiprocessing/async_result.h"

static int cpu_count(lua_State *L) {
  lua_pushinteger(L, cpus_usable());
  return 1;
}

int lib_multiprocessing_open(lua_State *L) {
  static const luaL_Reg funcs[] = {
      {"Pool", pool_new},       {"Process", process_new},           {"_pool_over", pool_new_over},
      {"cpu_count", cpu_count}, {"shared_array", shared_array_new}, {NULL, NULL}};
  lua_getglobal(L, "require"); /* the types of executors and futures are made there */
  lua_pushliteral(L, "gilua.futures");
  lua_call(L, 1, 0);
  luaL_newlib(L, funcs);
  return 1;
}
