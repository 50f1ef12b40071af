/* Names: which modules, classes and functions package.loaded leads to. */
#ifndef GILUA_POOL_PICKLE_NAMES_H
#define GILUA_POOL_PICKLE_NAMES_H

#include <lua.h>

#include "pool/pickle/refs.h"

/* The tables, functions and userdata at package.loaded[m] and package.loaded[m][k], of one moment. Addresses do not keep
 * objects alive: a name counts if it leads to the object still (names_push_if_valid). */
typedef struct Names {
  Refs map; /* address -> index i in the list: i is m, i + 1 is k or false */
  int list; /* registry; LUA_NOREF: none collected */
} Names;

/* names_collect fills *n, which was zero or freed. Raises a memory error; names_free accepts what is there then.
 * modules_only leaves out what only this program's globals lead to. */
void names_collect(lua_State *L, Names *n, bool modules_only);
void names_free(lua_State *L, Names *n);

/* names_push_if_valid pushes m and k (nil for a module) if the name of the object at index i leads to it now, and returns
 * true. Raw accesses only, allocates nothing. loaded: index of package.loaded. */
bool names_push_if_valid(lua_State *L, const Names *n, int i, int loaded);

/* names_push_loaded pushes package.loaded, or an empty table where a program took it away. */
void names_push_loaded(lua_State *L);

#endif
