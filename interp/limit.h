/* A bound on what a host's allocator hands out to Lua. (Our own heap has one built in.) */
#ifndef GILUA_INTERP_LIMIT_H
#define GILUA_INTERP_LIMIT_H

#include <lua.h>

typedef struct Limit {
  lua_Alloc alloc; /* [i] */
  void *data;      /* [i] */
  size_t bytes;    /* [G] handed out */
  size_t most;     /* [i] */
} Limit;

/* limit_alloc is a lua_Alloc; ud is the Limit. It refuses what would go beyond `most`. */
void *limit_alloc(void *ud, void *block, size_t old_size, size_t new_size);

#endif
