/* A set of numbers. */
#ifndef GILUA_INTERP_SEEN_H
#define GILUA_INTERP_SEEN_H

#include <stdbool.h>
#include <stdint.h>

/* Open addressing, 0: free. */
typedef struct Seen {
  uint64_t *slots, room, n;
  bool lost; /* there was no memory for a number */
} Seen;

/* seen_add adds a number; false: it was there, or there is no memory. seen_free releases the set. */
bool seen_add(Seen *seen, uint64_t number);
void seen_free(Seen *seen);

#endif
