/* Reading functions and what they capture. */
#include "pool/pickle/read_function.h"

#include <lauxlib.h>

#include "pool/pickle/format.h"

static void load(Reader *r, size_t at, const void *bytes, size_t size) {
  if (luaL_loadbufferx(r->L, bytes, size, "=?", "b") != LUA_OK)
    reader_damaged(r, at, "bytecode: %s", lua_tostring(r->L, -1));
}

static int upvalues_of(lua_State *L, int i) {
  lua_Debug ar;
  lua_pushvalue(L, i);
  lua_getinfo(L, ">u", &ar);
  return ar.nups;
}

/* Pushes the plain function that was made for an earlier message; false: there is none, another function of this
 * message has taken it, or a task gave it another environment. */
static bool push_ready(lua_State *L, PickleLink *link, uint64_t id) {
  if (link->ready == LUA_NOREF) return false;
  int top = lua_gettop(L);
  lua_rawgeti(L, LUA_REGISTRYINDEX, link->ready);
  bool ready = lua_rawgeti(L, -1, (lua_Integer)id) == LUA_TFUNCTION && link_tracked(link, lua_topointer(L, -1)) == 0;
  if (ready && lua_getupvalue(L, -1, 1) != NULL) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
    ready = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
  }
  if (ready) lua_remove(L, -2);
  else lua_settop(L, top);
  return ready;
}

/* Pushes the function whose bytecode has the id that is next. A plain one is made once for all messages. */
static void push_by_id(Reader *r, size_t at, bool plain) {
  lua_State *L = r->L;
  PickleLink *link = r->link;
  uint64_t id = reader_varint(r);
  if (link == NULL) reader_damaged(r, at, "bytecode by id in a message that stands alone");
  if (plain && push_ready(L, link, id)) return;
  const Definition *d = link_definition(link, id);
  if (d == NULL) reader_damaged(r, at, "bytecode %d was never told", (int)id);
  load(r, at, d->bytes, d->size);
  if (!plain) return;
  if (upvalues_of(L, -1) > 1) reader_damaged(r, at, "a function captures more than it should");
  if (link->ready == LUA_NOREF) {
    lua_newtable(L);
    link->ready = luaL_ref(L, LUA_REGISTRYINDEX);
  }
  lua_rawgeti(L, LUA_REGISTRYINDEX, link->ready);
  lua_pushvalue(L, -2);
  lua_rawseti(L, -2, (lua_Integer)id);
  lua_pop(L, 1);
}

bool reader_function(Reader *r, size_t at, unsigned tag) {
  lua_State *L = r->L;
  unsigned kind = tag & ~(unsigned)TAG_SHARED;
  if ((r->flags & PICKLE_FUNCTIONS) == 0)
    reader_damaged(r, at, r->link == NULL ? "a function: bytecode is read with functions = true only"
                                          : "a function from a worker");
  if (kind == TAG_FUNCTION) {
    size_t size = reader_size(r);
    const uint8_t *bytes = r->p;
    r->p += size;
    load(r, at, bytes, size);
  } else {
    push_by_id(r, at, kind == TAG_FUNCTION_PLAIN);
  }
  reader_remember(r, at, tag);
  if (r->track && kind != TAG_FUNCTION) link_track(L, r->link, -1, reader_varint(r));
  if (kind == TAG_FUNCTION_PLAIN) return true;
  int n = upvalues_of(L, -1);
  reader_need(r, 1);
  if (*r->p++ != n) reader_damaged(r, at, "a function captures %d variables, another number is given", n);
  reader_push(r, READ_FUNCTION, at, tag, (uint32_t)n);
  return false;
}

/* The variable is one that was read before. */
static void join(Reader *r, ReadFrame *f, int slot) {
  lua_State *L = r->L;
  size_t at = reader_offset(r), ref = reader_ref(r);
  lua_rawgeti(L, r->base + SLOT_REFS, -(lua_Integer)ref);
  bool plain = (r->start[ref] & ~TAG_SHARED) == TAG_FUNCTION_PLAIN && upvalues_of(L, -2) == 1;
  lua_Integer n = plain ? 1 : lua_tointeger(L, -1);
  lua_pop(L, 1);
  if (n < 1 || !lua_isfunction(L, -1)) reader_damaged(r, at, "a captured variable leads to nothing");
  lua_upvaluejoin(L, slot, (int)f->i + 1, lua_gettop(L), (int)n);
  lua_pop(L, 1);
}

bool reader_upvalue(Reader *r, ReadFrame *f) {
  lua_State *L = r->L;
  int slot = reader_slot(r, r->depth);
  size_t at = reader_offset(r);
  reader_need(r, 1);
  unsigned tag = *r->p++;
  if (tag == TAG_UPVALUE_JOIN) {
    join(r, f, slot);
    return false;
  }
  if ((tag & ~(unsigned)TAG_SHARED) != TAG_UPVALUE) reader_damaged(r, at, "a captured variable is missing");
  if ((tag & TAG_SHARED) != 0) {
    lua_pushvalue(L, slot);
    reader_remember(r, at, tag);
    lua_pop(L, 1);
    lua_pushinteger(L, (lua_Integer)f->i + 1);
    lua_rawseti(L, r->base + SLOT_REFS, -(lua_Integer)at);
  }
  return true;
}
