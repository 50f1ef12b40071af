/* A search of all states that a model can reach: the states that were seen, and a stack of those still to be stepped from.
 *
 * A state is a struct without padding. Two are told apart by 64 bits of hash. For one thread; what a model cannot hold ends
 * the program as a failed test. */
#ifndef GILUA_TESTS_MODEL_SEARCH_H
#define GILUA_TESTS_MODEL_SEARCH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEARCH_TABLE_BITS = 23 };

typedef struct Search {
  size_t size;     /* of a state, in bytes */
  uint8_t *stack;  /* states, one behind the other */
  size_t depth, room;
  uint64_t *seen;  /* hashes; 0: free */
  size_t seen_count;
} Search;

static inline void search_needs(const void *memory) {
  if (memory != NULL) return;
  printf("not ok - no memory for the search\n");
  exit(1);
}

/* Begins anew, with nothing seen. A Search of zeros is valid. */
static inline void search_begin(Search *search, size_t size) {
  search->size = size;
  search->depth = search->seen_count = 0;
  free(search->seen);
  search->seen = calloc((size_t)1 << SEARCH_TABLE_BITS, sizeof *search->seen);
  search_needs(search->seen);
}

static inline void search_end(Search *search) {
  free(search->seen);
  free(search->stack);
  memset(search, 0, sizeof *search);
}

static inline uint64_t search_hash(const void *state, size_t size) {
  const uint8_t *p = state;
  uint64_t h = 1469598103934665603u; /* FNV-1a, and the finish of MurmurHash3 */
  for (size_t i = 0; i < size; i++) h = (h ^ p[i]) * 1099511628211u;
  h ^= h >> 29;
  h *= 0xBF58476D1CE4E5B9u;
  return (h ^ (h >> 32)) | 1;
}

/* True if the state is new; it is remembered. */
static inline bool search_remember(Search *search, const void *state) {
  uint64_t h = search_hash(state, search->size);
  size_t mask = ((size_t)1 << SEARCH_TABLE_BITS) - 1, i = (size_t)(h >> 8) & mask;
  for (; search->seen[i] != 0; i = (i + 1) & mask)
    if (search->seen[i] == h) return false;
  search->seen[i] = h;
  if (++search->seen_count <= mask / 4 * 3) return true;
  printf("not ok - the state space is larger than the table\n");
  exit(1);
}

/* The state will be stepped from, once, however often it is reached. */
static inline void search_push(Search *search, const void *state) {
  if (!search_remember(search, state)) return;
  if (search->depth == search->room) {
    search->room = search->room == 0 ? 1024 : 2 * search->room;
    search->stack = realloc(search->stack, search->room * search->size);
    search_needs(search->stack);
  }
  memcpy(search->stack + search->depth++ * search->size, state, search->size);
}

/* Takes a state from the stack; false if all were stepped from. */
static inline bool search_pop(Search *search, void *state) {
  if (search->depth == 0) return false;
  memcpy(state, search->stack + --search->depth * search->size, search->size);
  return true;
}

#endif
