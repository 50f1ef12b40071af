/* What a task has changed in the metatables that came with it: in them, and in the tables below them, which are theirs alone and
 * have no number of their own. Guarded by the interpreter lock. */
#ifndef GILUA_POOL_PICKLE_MARKS_H
#define GILUA_POOL_PICKLE_MARKS_H

#include <lua.h>

#include "pool/pickle/refs.h"

typedef struct Marks {
  Refs held;    /* what came: table -> what it held (fields.h); something else that a table held -> 0 */
  Refs modules; /* and the globals, which are the program's; empty: not looked for */
  Refs changed; /* the tables that hold something else now, and those that lead to one */
} Marks;

void marks_free(Marks *m);

/* marks_take begins anew with the tables in the list at index i, and with what they lead to; what is looked at is added to the list,
 * which is to be kept: so no address is another object's later. known: objects of the program, by address.
 * marks_look finds out what is changed; same list. Both raise memory errors. */
void marks_take(lua_State *L, Marks *m, int i, const Refs *known);
void marks_look(lua_State *L, Marks *m, int i);

#endif
