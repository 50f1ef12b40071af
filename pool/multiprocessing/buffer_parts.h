/* Which parts of one typed array a message sends: parts that overlap must be one memory at the other end, too. */
#ifndef GILUA_POOL_MULTIPROCESSING_BUFFER_PARTS_H
#define GILUA_POOL_MULTIPROCESSING_BUFFER_PARTS_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

/* Elements first … end - 1. */
typedef struct Part {
  size_t first, end;
  lua_Integer object; /* which buffer it is, by a number of the caller's; 0: none, it is what several cover together */
  bool shared;        /* several overlap in it */
} Part;

typedef struct Parts {
  const void *mark;  /* of whoever made it */
  size_t count, capacity;
  size_t first, end; /* around all of them */
  bool overlap;      /* perhaps */
  bool merged;
  Part list[];
} Parts;

/* parts_size is the size in bytes of a Parts for so many. parts_add adds one that is not empty, where there is room. */
size_t parts_size(size_t capacity);
void parts_add(Parts *p, Part part);

/* parts_merge joins what overlaps. parts_find returns the one, of these, that has those elements, or NULL. */
void parts_merge(Parts *p);
Part *parts_find( Parts *p, size_t first, size_t end);

#endif
