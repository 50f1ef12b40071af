/* Spots: the instructions of a program that access a field or a captured variable, each looked up once. */
#ifndef GILUA_RUNTIME_RACE_SPOTS_H
#define GILUA_RUNTIME_RACE_SPOTS_H

#include "runtime/race/code.h"

enum { SPOT_NAME = 40, SPOT_SOURCE = 60 };

typedef struct Spot {
  const uint32_t *at;      /* its address */
  uint32_t code;           /* what is there */
  int line;
  char source[SPOT_SOURCE];
  const char *text;        /* owned: the constant that is the key of the field, or NULL */
  size_t length;
  uint64_t hash;           /* of it */
  char name[SPOT_NAME];    /* of the captured variable; "" */
} Spot;

/* Guarded by the interpreter lock. */
typedef struct Spots {
  Spot **slots; /* a table with open addressing, by address */
  uint64_t room, n;
} Spots;

/* spots_find is the spot of the instruction `at`, where L is in a count hook; NULL without memory. */
const Spot *spots_find(Spots *s, Code *c, lua_State *L, lua_Debug *ar, const uint32_t *at);

/* spots_hash is the hash of a text. */
uint64_t spots_hash(const char *text, size_t n);

#endif
