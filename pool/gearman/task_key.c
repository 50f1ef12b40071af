/* See task_key.h. */
#include "pool/gearman/task_key.h"

static const char key_of_task = 0; /* registry: the key; or nil */

void task_key_set(lua_State *L) { lua_rawsetp(L, LUA_REGISTRYINDEX, &key_of_task); }

int task_key(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &key_of_task);
  return 1;
}
