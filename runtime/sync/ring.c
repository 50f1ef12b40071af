/* Making a ring larger, or small again. */
#include "runtime/sync/ring.h"

void ring_init(lua_State *L, Ring *ring) {
  lua_createtable(L, RING_FIRST, 0);
  *ring = (Ring){.capacity = RING_FIRST};
}

static lua_Integer used(const lua_Integer *count, const lua_Integer *promised) {
  return *count + (promised != NULL ? *promised : 0);
}

/* From the ring's table, on top of the stack, into the one below it. */
static void move_items(lua_State *L, Ring *ring, lua_Integer count, lua_Integer capacity) {
  for (lua_Integer i = 0; i < count; i++) {
    lua_rawgeti(L, -1, ring_slot(ring, i));
    lua_rawseti(L, -3, i + 1);
  }
  *ring = (Ring){.capacity = capacity};
}

void ring_fit(lua_State *L, Ring *ring, int object, int slot, const lua_Integer *count, const lua_Integer *promised) {
  lua_Integer seen = ring->capacity, capacity = used(count, promised) == 0 ? RING_FIRST : 2 * seen;
  int i = lua_absindex(L, object), top = lua_gettop(L);
  lua_createtable(L, (int)capacity, 0); /* finalizers run: nothing that was read before holds behind it */
  if (ring->capacity == seen && !ring_fits(ring, used(count, promised)) && used(count, promised) < capacity) {
    lua_getiuservalue(L, i, slot);
    move_items(L, ring, *count, capacity);
    lua_pop(L, 1);
    lua_setiuservalue(L, i, slot);
  }
  lua_settop(L, top);
}
