/* Functions as "module:function", the name by which a task goes to a worker. */
#ifndef GILUA_POOL_GEARMAN_FUNCTION_NAME_H
#define GILUA_POOL_GEARMAN_FUNCTION_NAME_H

#include <lua.h>
#include <stdbool.h>

/* function_name_check raises an argument-like `pickle` error unless the string at index i is such a name. */
void function_name_check(lua_State *L, int i);

/* function_name_push pushes the name of the function at index i: a field of a module in package.loaded, the first in
 * the alphabet of those that lead to it; false and nothing pushed: it has none. May raise a memory error. */
bool function_name_push(lua_State *L, int i);

#endif
