/* A ring of Lua values: the items of a queue, in the array part of a Lua table. Slots 1 … capacity (a power of two) are
 * used round and round, so that nothing moves and the table never rehashes.
 *
 * Allocating may run finalizers, and they may use the same ring. So ring_fit, the only function here that allocates, does that
 * before it looks at the ring; storing and taking never allocate.
 */
#ifndef GILUA_RUNTIME_SYNC_RING_H
#define GILUA_RUNTIME_SYNC_RING_H

#include <lua.h>
#include <stdbool.h>

enum { RING_FIRST = 16, RING_KEPT = 4096 }; /* the capacity of a new ring, and that of an empty one at most */

typedef struct Ring {
  lua_Integer capacity; /* [G] */
  lua_Integer head;     /* [G] position of the first item, 0-based */
} Ring;

/* ring_init pushes the table of a new ring; the caller keeps it. */
void ring_init(lua_State *L, Ring *ring);

/* ring_fits tells whether a ring of which `used` slots are taken or promised has one more, and not far too many. */
static inline bool ring_fits(const Ring *ring, lua_Integer used) {
  return used < ring->capacity && (used > 0 || ring->capacity <= RING_KEPT);
}

/* ring_fit makes a ring that does not fit larger, or small again: its table is the user value `slot` of the object at index
 * `object`; *count slots are taken, *promised more will be (NULL: none). Finalizers may have run meanwhile: the caller looks again.
 * Raises memory errors, and nothing has changed then. */
void ring_fit(lua_State *L, Ring *ring, int object, int slot, const lua_Integer *count, const lua_Integer *promised);

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
