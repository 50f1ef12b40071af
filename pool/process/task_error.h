/* The errors of tasks that were begun and not ended. With the lock; they raise memory errors. */
#ifndef GILUA_POOL_PROCESS_TASK_ERROR_H
#define GILUA_POOL_PROCESS_TASK_ERROR_H

#include <lua.h>
#include <stdint.h>

#define ERROR_WORKER_DIED "worker_died"
#define ERROR_TASK_TIMEOUT "task_timeout"

/* task_error_set_integer sets a field of the object on top of the stack. */
void task_error_set_integer(lua_State *L, const char *name, lua_Integer value);

/* task_error_push_died replaces the text on top of the stack, who it was, by worker_died: its process ended as the
 * status of waitpid says. */
void task_error_push_died(lua_State *L, int pid, int status);

/* task_error_push_timeout pushes task_timeout: the task had so long, and what followed. */
void task_error_push_timeout(lua_State *L, int64_t limit_ns, const char *what);

#endif
