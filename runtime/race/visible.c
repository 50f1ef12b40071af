/* What each kind of instruction may do. */
#include "runtime/race/visible.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

typedef enum Sight {
  NEVER,
  ACCESSES,
  ALWAYS,
  CALLS,   /* unless register A is a Lua function */
  RETURNS, /* unless the caller is a Lua function */
  COMPARES /* if registers A or B are what has metamethods */
} Sight;

struct Mark {
  const uint32_t *at; /* NULL: free */
  uint8_t sight;
};

enum {
  LOADNIL = 8, MMBIN = 46, MMBINI, MMBINK, UNM, BNOT, CONCAT = 53, CLOSE, TBC, EQ = 57, LT, LE, EQI = 61, LTI, LEI, GTI, GEI,
  CALL = 68, TAILCALL, RETURN, RETURN0, RETURN1, FORLOOP, FORPREP, TFORPREP, TFORCALL, TFORLOOP,
};

static Sight sight_of(uint32_t code) {
  switch (code_op(code)) {
    case CODE_GETUPVAL: case CODE_SETUPVAL: case CODE_GETTABUP: case CODE_GETTABLE: case CODE_GETI: case CODE_GETFIELD:
    case CODE_SETTABUP: case CODE_SETTABLE: case CODE_SETI: case CODE_SETFIELD: case CODE_SELF: case CODE_LEN: return ACCESSES;
    case MMBIN: case MMBINI: case MMBINK: case CLOSE: return ALWAYS;
    case UNM: case BNOT: case CONCAT: case EQ: case LT: case LE: case EQI: case LTI: case LEI: case GTI: case GEI: return COMPARES;
    case CALL: case TAILCALL: case TFORCALL: return CALLS;
    case RETURN: return code_k(code) ? ALWAYS : RETURNS;
    case RETURN0: case RETURN1: return RETURNS;
    default: return NEVER;
  }
}

/* The registers that it may use, beside A to A + n - 1: as if B and C were two. */
static unsigned reach_of(uint32_t code) {
  switch (code_op(code)) {
    case LOADNIL: return code_b(code) + 1;
    case FORLOOP: case FORPREP: case TFORPREP: case TFORCALL: case TFORLOOP: return 4;
    default: return 1;
  }
}

static bool uses(uint32_t code, const uint64_t captured[4]) {
  bool any = false;
  unsigned a = code_a(code), b = code_b(code), c = code_c(code), reach = reach_of(code);
  for (unsigned r = a; r < a + reach && r < 256; r++) any |= (captured[r / 64] >> r % 64 & 1) != 0;
  return any || (captured[b / 64] >> b % 64 & 1) != 0 || (captured[c / 64] >> c % 64 & 1) != 0;
}

static Sight find_sight(Code *c, lua_State *L, lua_Debug *ar, uint32_t code) {
  Sight sight = sight_of(code);
  if (sight == ALWAYS || !lua_getinfo(L, "f", ar)) return ALWAYS;
  const uint64_t *captured = code_captured(L, c);
  if (captured == NULL || uses(code, captured)) sight = ALWAYS;
  lua_pop(L, 1);
  return sight;
}

static Mark *slot_of(const Visible *v, const uint32_t *at) {
  for (uint64_t i = (uint64_t)(uintptr_t)at / sizeof *at * 0x9e3779b97f4a7c15 >> 20;; i++) {
    Mark *slot = &v->slots[i & (v->room - 1)];
    if (slot->at == NULL || slot->at == at) return slot;
  }
}

static bool grow(Visible *v) {
  Visible more = {.room = v->room == 0 ? 1024 : 2 * v->room};
  more.slots = calloc(more.room, sizeof *more.slots);
  if (more.slots == NULL) return false;
  for (uint64_t i = 0; i < v->room; i++)
    if (v->slots[i].at != NULL) *slot_of(&more, v->slots[i].at) = v->slots[i];
  free(v->slots);
  v->slots = more.slots;
  v->room = more.room;
  return true;
}

static bool is_lua_function(lua_State *L, lua_Debug *ar, unsigned n) {
  bool is = lua_getlocal(L, ar, (int)n + 1) != NULL && lua_isfunction(L, -1) && !lua_iscfunction(L, -1);
  lua_pop(L, 1);
  return is;
}

static bool returns_to_lua(lua_State *L) {
  lua_Debug caller;
  return lua_getstack(L, 1, &caller) && lua_getinfo(L, "S", &caller) && *caller.what != 'C';
}

/* Whether a value may have metamethods that these instructions call. */
static bool has_methods(lua_State *L, lua_Debug *ar, unsigned n) {
  if (lua_getlocal(L, ar, (int)n + 1) == NULL) return true;
  int type = lua_type(L, -1);
  lua_pop(L, 1);
  return type == LUA_TTABLE || type == LUA_TUSERDATA;
}

static bool may_call(lua_State *L, lua_Debug *ar, uint32_t code) {
  unsigned a = code_a(code), b = code_b(code);
  if (code_op(code) == CONCAT) {
    bool any = false;
    for (unsigned i = 0; i < b; i++) any |= has_methods(L, ar, a + i);
    return any;
  }
  return has_methods(L, ar, a) || has_methods(L, ar, b);
}

static Notice notice_if(bool noticed) { return noticed ? NOTICE_ANYTHING : NOTICE_NOTHING; }

Notice visible_next(Visible *v, Code *c, lua_State *L, lua_Debug *ar) {
  const uint32_t *at = code_at(c, ar);
  if (code_worn(c) || (2 * v->n >= v->room && !grow(v))) return NOTICE_ANYTHING;
  Mark *mark = slot_of(v, at);
  if (mark->at == NULL) {
    *mark = (Mark){.at = at, .sight = (uint8_t)find_sight(c, L, ar, *at)};
    v->n++;
  }
  switch ((Sight)mark->sight) {
    case NEVER: return NOTICE_NOTHING;
    case ACCESSES: return NOTICE_ACCESS;
    case CALLS: return notice_if(!is_lua_function(L, ar, code_a(*at)));
    case RETURNS: return notice_if(!returns_to_lua(L));
    case COMPARES: return notice_if(may_call(L, ar, *at));
    default: return NOTICE_ANYTHING;
  }
}
