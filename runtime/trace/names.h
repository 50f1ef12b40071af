/* Names of what is recorded, by text: each gets a number from 1 on, in the order in which they came.
 *
 * A table with room for NAMES_MOST, so that a program that makes up names does not fill the memory. Needs the lock.
 */
#ifndef GILUA_RUNTIME_TRACE_NAMES_H
#define GILUA_RUNTIME_TRACE_NAMES_H

#include <stdbool.h>
#include <stdint.h>

enum { NAMES_MOST = 4096, NAME_SLOTS = 2 * NAMES_MOST };

typedef struct Names {
  uint16_t n;
  uint16_t slots[NAME_SLOTS]; /* open addressing: the number, or 0 */
  char *at[NAMES_MOST];       /* by number - 1 */
} Names;

/* names_find returns the number of that text, or 0; *slot is where it stands or would stand. */
uint16_t names_find(const Names *names, const char *text, uint32_t *slot);

/* names_add gives a text that was not found, with its slot, the next number; 0: no room, or no memory. */
uint16_t names_add(Names *names, const char *text, uint32_t slot);

/* names_take_back forgets the newest, which has that slot. */
void names_take_back(Names *names, uint32_t slot);

void names_fini(Names *names);

#endif
