/* Weak tables. With the lock; they raise memory errors. */
#ifndef GILUA_RUNTIME_STATE_WEAK_H
#define GILUA_RUNTIME_STATE_WEAK_H

#include <lua.h>
#include <stdbool.h>

/* weak_new pushes a new table whose keys ("k"), values ("v") or both ("kv") are weak. */
void weak_new(lua_State *L, const char *mode);

/* weak_push pushes the registry's weak table that the address `key` names, and makes it if there is none; true: it was
 * made now. Mode as above, always the same for one key. */
bool weak_push(lua_State *L, const void *key, const char *mode);

#endif
