/* Tasks of C code in processes: the pool that a runtime shares, and the steps of a task as functions that Lua calls
 * protected.
 *
 * The shared pool is made when it is first needed, with a worker for each processor, and closed with every other pool
 * when the program ends. Scripts do not see it. In a worker there is none: what is offloaded there runs at once, or
 * tasks that offload tasks would make more and more processes.
 */
#ifndef GILUA_POOL_PROCESS_OFFLOAD_H
#define GILUA_POOL_PROCESS_OFFLOAD_H

#include <lua.h>

/* offload_submit: (executor or nil, function, arguments…) -> Future. nil: the shared pool. Raises what submit raises,
 * and what starting the pool does. */
int offload_submit(lua_State *L);

/* offload_call: (nil, function, arguments…) -> results. Waits, as park; raises the task's error. If the wait ends
 * before the task does (interrupt, cancel), the task is cancelled. */
int offload_call(lua_State *L);

/* offload_result: (future, deadline in ns) -> true and the results, or false when the deadline has passed. Raises the
 * task's error.
 */
int offload_result(lua_State *L);

#endif
