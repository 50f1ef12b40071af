/* Names: which modules, classes and functions package.loaded leads to.
 *
 * A name is a module and the keys that lead on from it: "string" "format", "_G" "Point" "new". Where several lead to
 * one object, the same is chosen in every process: that of a standard library, then the shortest, then the first in the
 * alphabet; the globals come after all modules. A table within a module is looked into for classes; its functions have
 * names if it is a class.
 *
 * What a name leads to is looked up when it is written, so addresses that a Names has need not be of living objects.
 */
#ifndef GILUA_POOL_PICKLE_NAMES_H
#define GILUA_POOL_PICKLE_NAMES_H

#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

#include "pool/pickle/refs.h"

enum { NAME_MOST_KEYS = 8 };

typedef struct Names {
  Refs map;          /* address -> number, from 1 */
  uint32_t *holders; /* by number - 1: the number of the table that it is a field of; 0: it is a module */
  uint32_t capacity;
  int keys;          /* registry: list of the last keys; LUA_NOREF: none collected */
} Names;

typedef enum NameScope {
  NAMES_ALL,
  NAMES_ELSEWHERE, /* what a program without this one's globals can have: modules, C functions of the libraries */
  NAMES_LATER      /* what modules have that came after a fork */
} NameScope;

/* names_collect fills *n, which was zero or freed. objects: index of a table that gets number -> object, or 0; modules:
 * index of what modules_push pushed, or 0: all modules are there. Raises a memory error; names_free accepts what is
 * there then. */
void names_collect(lua_State *L, Names *n, NameScope scope, int objects, int modules);
void names_free(lua_State *L, Names *n);

/* names_level is how many keys the name of a number has, counted up to 3. */
unsigned names_level(const Names *n, uint32_t number);

/* names_push pushes the keys of the object at index i, the module first, if they lead to it now, and returns how many;
 * 0: it has no name. names_push_root replaces the module's name on top by what it stands for; nil: nothing. Raw
 * accesses, nothing is allocated. loaded: index of package.loaded. */
int names_push(lua_State *L, const Names *n, int i, int loaded);
void names_push_root(lua_State *L, int loaded);

/* names_push_types pushes the table of what has a name of its own, whatever modules are there: name -> object. */
void names_push_types(lua_State *L);

/* names_look_at tells what kind of table is on top: a class has a field that begins with "__", a space of names holds a
 * function. One with more than `most` fields is neither; 0: any number. Raw accesses. */
typedef enum NamedTable { TABLE_OF_DATA, TABLE_OF_NAMES, TABLE_CLASS, TABLE_LARGE } NamedTable;
NamedTable names_look_at(lua_State *L, unsigned most);

static inline bool can_have_name(int type) {
  return type == LUA_TTABLE || type == LUA_TFUNCTION || type == LUA_TUSERDATA;
}

#endif
