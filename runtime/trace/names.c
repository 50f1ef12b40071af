/* A hash table of names; the hash is FNV-1a. */
#include "runtime/trace/names.h"

#include <stdlib.h>
#include <string.h>

uint16_t names_find(const Names *names, const char *text, uint32_t *slot) {
  uint32_t h = 2166136261u;
  for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) h = (h ^ *p) * 16777619u;
  for (;; h++) {
    *slot = h % NAME_SLOTS;
    uint16_t id = names->slots[*slot];
    if (id == 0 || strcmp(names->at[id - 1], text) == 0) return id;
  }
}

uint16_t names_add(Names *names, const char *text, uint32_t slot) {
  if (names->n == NAMES_MOST) return 0;
  char *copy = strdup(text);
  if (copy == NULL) return 0;
  names->at[names->n++] = copy;
  names->slots[slot] = names->n;
  return names->n;
}

void names_take_back(Names *names, uint32_t slot) {
  free(names->at[--names->n]);
  names->slots[slot] = 0;
}

void names_fini(Names *names) {
  for (uint16_t i = 0; i < names->n; i++) free(names->at[i]);
}
