/* From accesses and arguments to touches. */
#include "runtime/race/touch.h"

enum { CALL = 68, TAILCALL };

static void add(Touches *touches, Touch touch) {
  if (touches->n < TOUCHES) touches->at[touches->n++] = touch;
}

static void access(void *data, const Accesses *a, const Spot *spot, const Place *place, AccessHow how) {
  (void)a, (void)spot;
  uint64_t part = (place->key + place->kind) * 0x9e3779b97f4a7c15 | 1;
  add(data, (Touch){.object = (uint64_t)(uintptr_t)place->base, .part = part, .writes = how != READS});
}

static void add_argument(Touches *touches, lua_State *L, lua_Debug *ar, unsigned n) {
  if (lua_getlocal(L, ar, (int)n + 1) == NULL) return;
  int type = lua_type(L, -1);
  if (type == LUA_TTABLE || type == LUA_TUSERDATA || type == LUA_TTHREAD)
    add(touches, (Touch){.object = (uint64_t)(uintptr_t)lua_topointer(L, -1), .part = 0, .writes = true});
  lua_pop(L, 1);
}

void touch_next(Touches *touches, Accesses *a, lua_State *L, lua_Debug *ar) {
  uint32_t code = *code_at(a->code, ar);
  touches->n = 0;
  if (code_worn(a->code)) return;
  if (code_op(code) == CALL || code_op(code) == TAILCALL) { /* B 0: as many as there are, which is not known */
    for (unsigned i = 1; i < code_b(code); i++) add_argument(touches, L, ar, code_a(code) + i);
    return;
  }
  const AccessSink sink = {.access = access, .data = touches};
  if (!access_tell(a, &sink, L, ar)) touches->n = 0;
}
