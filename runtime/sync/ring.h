/* A ring of Lua values: the items of a queue, in the array part of a Lua table. Slots 1 … capacity (a power of two) are
 * used round and round, so that nothing moves and the table never rehashes.
 */
#ifndef GILUA_RUNTIME_SYNC_RING_H
#define GILUA_RUNTIME_SYNC_RING_H

#include <lua.h>

typedef struct Ring {
  lua_Integer capacity; /* [G] */
  lua_Integer head;     /* [G] position of the first item, 0-based */
} Ring;

/* ring_init pushes the table of a new ring; the caller keeps it. */
void ring_init(lua_State *L, Ring *ring);

/* ring_grow doubles the capacity of a ring of count items whose table is at index t: pushes the new table, which the
 * caller keeps in the place of the old one. Raises memory errors, and nothing has changed then. */
void ring_grow(lua_State *L, Ring *ring, lua_Integer count, int t);

/* ring_slot is the table index of position i. */
static inline lua_Integer ring_slot(const Ring *ring, lua_Integer i) {
  return ((ring->head + i) & (ring->capacity - 1)) + 1;
}

/* ring_take pushes the item in the given slot of the table on top of the stack, and forgets it there. */
static inline void ring_take(lua_State *L, lua_Integer slot) {
  int type = lua_rawgeti(L, -1, slot);
  if (type != LUA_TNUMBER && type != LUA_TBOOLEAN) { /* others may be collected as soon as the taker lets go */
    lua_pushnil(L);
    lua_rawseti(L, -3, slot);
  }
}

#endif
