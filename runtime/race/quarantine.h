/* An allocator in front of a Lua state's own that gives nothing back but a few bytes: no address stands for two objects in
 * one run. */
#ifndef GILUA_RUNTIME_RACE_QUARANTINE_H
#define GILUA_RUNTIME_RACE_QUARANTINE_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct Quarantine {
  lua_Alloc alloc;
  void *ud;
  void *last;  /* [G] the block that was kept last; each begins with the address of the one before, for checkers of leaks */
  size_t kept; /* [G] bytes */
  bool full;   /* [G] more than QUARANTINE_MOST were kept: from now on blocks are given back */
} Quarantine;

#define QUARANTINE_MOST ((size_t)256 << 20)

/* quarantine_begin puts q in front of the allocator of L's state, for good: the process ends without closing it. */
void quarantine_begin(lua_State *L, Quarantine *q);

#endif
