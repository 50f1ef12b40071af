/* What a table holds, as one number: two that differ are of different fields or metatables, or of other objects in these. */
#ifndef GILUA_POOL_PICKLE_FIELDS_H
#define GILUA_POOL_PICKLE_FIELDS_H

#include <lua.h>
#include <stddef.h>

enum { FIELDS_HASHED_STRING = 64 }; /* bytes; a longer string is told apart by its address */

/* fields_mark returns that of the table at index i; raw accesses. Needs three places of the stack. */
size_t fields_mark(lua_State *L, int i);

#endif
