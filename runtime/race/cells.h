/* What is remembered of the accesses to each field and captured variable: those that a later one may race with. */
#ifndef GILUA_RUNTIME_RACE_CELLS_H
#define GILUA_RUNTIME_RACE_CELLS_H

#include "runtime/race/clocks.h"

/* What is accessed: a field of the table, or the captured variable, at an address. */
typedef struct Place {
  const void *base;
  uint64_t key;  /* of a field: its value, or a hash of its text */
  uint32_t kind; /* KeyKind */
} Place;

typedef enum KeyKind { KEY_VARIABLE, KEY_TEXT, KEY_INTEGER, KEY_FLOAT, KEY_BOOLEAN, KEY_OBJECT, KEY_BORDER /* # */ } KeyKind;

typedef struct Access {
  const struct Spot *spot; /* where the program does it; for who reports */
  uint32_t moment;         /* of clocks.h */
  uint16_t thread;
  uint16_t how;            /* AccessHow */
} Access;

/* ADDS: of the border of a list, by who stores something where nothing was; several may, in any order, but who reads it wants
 * to know. */
typedef enum AccessHow { READS, WRITES, ADDS } AccessHow;

typedef struct Cell Cell;
typedef struct Noted Noted;

/* Guarded by the interpreter lock. */
typedef struct Cells {
  Cell *slots; /* a table with open addressing */
  uint64_t room, n;
  Noted *noted; /* the lists of all cells; freed ones are kept in `vacant` */
  uint32_t nnoted, noted_room, vacant;
} Cells;

/* cells_note adds an access of its thread, now. Those of others that it races with are told one by one. Returns false without
 * memory. */
bool cells_note(Cells *cells, const Clocks *clocks, const Place *place, const Access *access,
                void (*tell)(void *data, const Access *before, const Access *now, const Place *place), void *data);

#endif
