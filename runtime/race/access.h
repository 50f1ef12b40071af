/* What the instruction at which a count hook is called gets and sets: fields of tables, with those that an __index or
 * __newindex leads to, lengths, and captured variables.
 *
 * Not seen: what C functions do (rawset, next, table.insert, …; under the lock each of them is one step), the variables of a
 * function as that function itself sees them, since they are registers there, finalizers, and coroutines that C code resumes.
 */
#ifndef GILUA_RUNTIME_RACE_ACCESS_H
#define GILUA_RUNTIME_RACE_ACCESS_H

#include "runtime/race/cells.h"
#include "runtime/race/spots.h"

typedef struct Accesses Accesses;

/* Who wants to know. */
typedef struct AccessSink {
  /* [i] for each access */
  void (*access)(void *data, const Accesses *a, const Spot *spot, const Place *place, AccessHow how);
  void (*other)(void *data); /* [i] it may do more, by a metamethod; NULL: not told */
  bool environment;          /* [i] the variable _ENV is told, too, which nobody sets */
  void *data;                /* [i] */
} AccessSink;

/* Guarded by the interpreter lock. */
struct Accesses {
  Code *code; /* [i] */
  Spots spots;
  const AccessSink *sink; /* of the access that is told, and so on */
  lua_State *L;
  int key; /* its key on the stack of L, 0: the spot's */
};

/* access_tell tells sink what the next instruction accesses; called from the count hook of L. False without memory. */
bool access_tell(Accesses *a, const AccessSink *sink, lua_State *L, lua_Debug *ar);

/* access_name says in words what was accessed; in a sink's access. */
void access_name(const Accesses *a, const Spot *spot, const Place *place, char *what, size_t n);

#endif
