/* Growing a ring. */
#include "runtime/sync/ring.h"

enum { FIRST_CAPACITY = 16 };

void ring_init(lua_State *L, Ring *ring) {
  lua_createtable(L, FIRST_CAPACITY, 0);
  *ring = (Ring){.capacity = FIRST_CAPACITY};
}

void ring_grow(lua_State *L, Ring *ring, lua_Integer count, int t) {
  t = lua_absindex(L, t);
  lua_createtable(L, (int)(2 * ring->capacity), 0);
  for (lua_Integer i = 0; i < count; i++) {
    lua_rawgeti(L, t, ring_slot(ring, i));
    lua_rawseti(L, -2, i + 1);
  }
  ring->capacity *= 2;
  ring->head = 0;
}
