/* Keeping what Lua frees. */
#include "runtime/race/quarantine.h"

#include <string.h>

/* False: it may be given back. What is smaller than an address is no object, and no function of more than an instruction. */
static bool keep(Quarantine *q, void *block, size_t bytes) {
  if (bytes < sizeof q->last) return false;
  memcpy(block, &q->last, sizeof q->last);
  q->last = block;
  q->kept += bytes;
  if (q->kept > QUARANTINE_MOST) q->full = true;
  return true;
}

/* A lua_Alloc. */
static void *alloc(void *ud, void *block, size_t old_size, size_t new_size) {
  Quarantine *q = ud;
  if (q->full || block == NULL) return q->alloc(q->ud, block, old_size, new_size);
  if (new_size == 0) return keep(q, block, old_size) ? NULL : q->alloc(q->ud, block, old_size, new_size);
  void *moved = q->alloc(q->ud, NULL, 0, new_size);
  if (moved == NULL) return NULL;
  memcpy(moved, block, old_size < new_size ? old_size : new_size);
  if (!keep(q, block, old_size)) q->alloc(q->ud, block, old_size, 0);
  return moved;
}

void quarantine_begin(lua_State *L, Quarantine *q) {
  *q = (Quarantine){0};
  q->alloc = lua_getallocf(L, &q->ud);
  lua_setallocf(L, alloc, q);
}
