/* gilua.multiprocessing: Python's names for pools of processes.
 *
 *   multiprocessing.Pool{processes, initializer, initargs, maxtasksperchild}
 *   multiprocessing.Process{target, args, name, daemon}
 *   multiprocessing.current_process()   parent_process()   active_children()
 *   multiprocessing.Queue([maxsize])   JoinableQueue([maxsize])   SimpleQueue()   Pipe([duplex])
 *   multiprocessing.Lock()   RLock()   Condition([lock])   Event()   Semaphore([n])   BoundedSemaphore([n])
 *   multiprocessing.Barrier(parties [, action [, timeout]])   Value(type, v)   shared_array(type, n)
 *   multiprocessing.cpu_count()        processors that this program may use: affinity and control group
 */
#include "pool/multiprocessing/lib_multiprocessing.h"

#include <lauxlib.h>

#include "pool/futures/cpus.h"
#include "pool/multiprocessing/async_result.h"
#include "pool/multiprocessing/shared_handle.h"
#include "runtime/state/require.h"

static int cpu_count(lua_State *L) {
  lua_pushinteger(L, cpus_usable());
  return 1;
}

int lib_multiprocessing_open(lua_State *L) {
  static const luaL_Reg funcs[] = {
      {"Pool", pool_new},       {"Process", process_new},           {"_pool_over", pool_new_over},
      {"cpu_count", cpu_count}, {"shared_array", shared_array_new},
      {"active_children", process_active_children}, {"current_process", process_current},
      {"parent_process", process_parent}, {NULL, NULL}};
  require_push(L); /* the types of executors and futures are made there */
  lua_pushliteral(L, "gilua.futures");
  lua_call(L, 1, 0);
  luaL_newlib(L, funcs);
  lib_shared_lock_add(L);
  lib_shared_event_add(L);
  lib_shared_condition_add(L);
  lib_shared_value_add(L);
  lib_shared_queue_add(L);
  lib_pipe_add(L);
  return 1;
}
