/* The key of the task that this process does: the same each time the task is done, of no other task ever. */
#ifndef GILUA_POOL_GEARMAN_TASK_KEY_H
#define GILUA_POOL_GEARMAN_TASK_KEY_H

#include <lua.h>

/* task_key_set makes the value on top of the stack, popped (a string, or nil: no task), the key. Raises a memory
 * error. */
void task_key_set(lua_State *L);

/* futures.task_key */
int task_key(lua_State *L);

#endif
