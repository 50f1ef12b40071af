/* Writing: a walk with raw accesses, without recursion on the C stack. Between writer_begin and the end of the walk no
 * Lua memory is allocated in a way that could step the collector, so addresses tell objects apart. The walk starts in
 * the hope for plain data; what it then turns out to need makes it begin again in another mode (RESTART_NAMES …).
 */
#include "pool/pickle/write.h"

#include <lauxlib.h>
#include <string.h>

#include "pool/pickle/emit.h"
#include "pool/pickle/modules.h"
#include "pool/pickle/path.h"
#include "pool/pickle/write_function.h"
#include "pool/pickle/write_name.h"
#include "pool/pickle/write_reduce.h"

enum { FEW_HOLES = 32 };

/* Writes the value at index i, of that type, if it is none that can hold others; whole: a number may be an integer. */
static inline __attribute__((always_inline)) bool write_scalar(Writer *w, int i, int type, bool whole) {
  writer_reserve(w, SHORT_STRING + SCALAR_ROOM);
  switch (type) {
    case LUA_TNUMBER:
      if (whole && lua_isinteger(w->L, i)) {
        writer_integer(w, lua_tointeger(w->L, i));
      } else {
        lua_Number value = lua_tonumber(w->L, i);
        writer_fixed(w, TAG_FLOAT, &value, sizeof value);
      }
      return true;
    case LUA_TSTRING: writer_string(w, i); return true;
    case LUA_TBOOLEAN: writer_byte(w, lua_toboolean(w->L, i) ? TAG_TRUE : TAG_FALSE); return true;
    case LUA_TNIL: writer_byte(w, TAG_NIL); return true;
    default: return false;
  }
}

/* Whether the object with that address may go as something else than its value; no for nearly every table. */
static inline bool may_be_known(const Writer *w, const void *address) {
  if (w->names != NULL && refs_find(&w->names->map, address) != NULL) return true;
  if (w->link == NULL) return false;
  return refs_find(&w->link->known, address) != NULL || refs_find(&w->link->tracked, address) != NULL;
}

static bool write_table(Writer *w, size_t at, const void *address) {
  lua_State *L = w->L;
  bool meta = lua_getmetatable(L, -1), plain = meta && lua_topointer(L, -1) == w->plain_meta;
  if (meta) lua_pop(L, 1);
  if (meta && w->names == NULL && w->link == NULL) {
    w->restart |= RESTART_NAMES;
    return false;
  }
  if (may_be_known(w, address) && (writer_named_table(w) || writer_tracked(w))) return true;
  if (writer_is_metatable(w)) writer_want_names(w);
  if (w->restart != 0) return false;
  if (meta && !plain && lua_getmetatable(L, -1) && writer_has_reduce(w)) {
    writer_reduce(w, at);
    return false;
  }
  lua_Unsigned length = lua_rawlen(L, -1);
  uint32_t n = length > UINT32_MAX - 1 ? UINT32_MAX - 1 : (uint32_t)length, zero = 0;
  unsigned list = n == 0 ? 0 : n <= UINT8_MAX ? TABLE_LIST8 : TABLE_LIST32;
  writer_reserve(w, SCALAR_ROOM);
  writer_byte(w, TAG_TABLE | list | (meta ? TABLE_META : 0));
  writer_byte(w, 0);
  memcpy(w->out.bytes + w->out.size, &zero, sizeof zero);
  w->out.size += list == TABLE_LIST32 ? 4 : list == TABLE_LIST8 ? 1 : 0;
  writer_push(w, FRAME_TABLE, at, n);
  return false;
}

static bool write_function(Writer *w, size_t at) {
  if (writer_named_function(w) || writer_tracked(w)) return true;
  bool c = lua_iscfunction(w->L, -1);
  PickleCode *code = w->link == NULL || w->link->worker ? NULL : link_written(w->L, w->link, lua_gettop(w->L));
  if (code == NULL) writer_want_names(w);
  if (w->restart != 0) return false;
  if (c) writer_refuse(w, "no name in package.loaded leads to this C function");
  if (w->link != NULL && w->link->worker)
    writer_refuse(w, "it was made in a worker, and functions made there do not return");
  return writer_function(w, at, code);
}

static bool write_userdata(Writer *w, size_t at) {
  if (writer_named(w)) return true;
  writer_want_names(w);
  if (w->restart != 0) return false;
  if (!lua_getmetatable(w->L, -1) || !writer_has_reduce(w)) writer_refuse(w, "a userdata needs a name or a __reduce");
  writer_reduce(w, at);
  return false;
}

static bool write_object(Writer *w, int type) {
  lua_State *L = w->L;
  size_t at = w->out.size;
  const void *address = lua_topointer(L, -1);
  if (type != LUA_TTABLE && type != LUA_TFUNCTION && type != LUA_TUSERDATA)
    writer_refuse(w, type == LUA_TTHREAD ? "a coroutine stays where it is" : "it is a bare address");
  if (address == w->globals) {
    writer_byte(w, TAG_GLOBALS);
    return true;
  }
  if (address != w->settled_meta && writer_is_metatable(w) && writer_class_by_value(w)) return false;
  if (!writer_meet(w, address)) return true;
  writer_anchor(w, -1);
  if (type == LUA_TTABLE) return write_table(w, at, address);
  if (w->names == NULL && w->link == NULL) {
    w->restart |= RESTART_NAMES;
    return false;
  }
  return type == LUA_TFUNCTION ? write_function(w, at) : write_userdata(w, at);
}

/* Writes the value on top of the stack and pops it; false: it became a frame, or the walk must begin again. */
static bool write_value(Writer *w) {
  int type = lua_type(w->L, -1);
  if (!write_scalar(w, -1, type, true) && !write_object(w, type)) return false;
  lua_settop(w->L, -2);
  return true;
}

static void step_roots(Writer *w) {
  for (WriteFrame *f = &w->frames[w->depth]; f->i < f->n;) {
    lua_pushvalue(w->L, w->first + (int)f->i++);
    if (!write_value(w)) return;
  }
  w->depth--;
}

/* lua_rawlen leaves the length in the table as a hint, which lua_next has to look behind at each of its steps. A look
 * at the last place of the array, if that is a power of two, takes the hint away. */
static void forget_length(lua_State *L, int slot, uint32_t n) {
  lua_rawgeti(L, slot, (lua_Integer)1 << (64 - __builtin_clzll(n - 1)));
  lua_pop(L, 1);
}

/* Nils in the place of items that are missing, if there are few for what there is; else the list ends here. */
static bool write_holes(Writer *w, WriteFrame *f, uint32_t n) {
  if (n > FEW_HOLES + f->i / 2) {
    f->n = f->i;
    return false;
  }
  writer_reserve(w, n + SCALAR_ROOM);
  memset(w->out.bytes + w->out.size, TAG_NIL, n);
  w->out.size += n;
  f->i += n;
  return true;
}

/* What step_list has left on the stack goes away from under the pair on top. */
static void lower_pair(lua_State *L, int slot) {
  lua_copy(L, -2, slot + 1);
  lua_copy(L, -1, slot + 2);
  lua_settop(L, slot + 2);
}

/* The list, as long as lua_next gives its keys in order: what it passes over is a hole. False: the walk goes on
 * elsewhere, or begins again; true: a pair is on top, or nothing if the table is at its end. A pair that was written stays where
 * it is for some steps and its key is pushed anew: that costs less than taking the value away. */
static bool step_list(Writer *w, WriteFrame *f, int slot, bool *more) {
  lua_State *L = w->L;
  const uint32_t n = f->n;
  uint32_t i = f->i; /* in a register while scalars follow each other */
  unsigned untidy = 0;
  if (i == 0 && n > UINT8_MAX) forget_length(L, slot, n);
  while ((*more = lua_next(L, slot)) && lua_isinteger(L, -2)) {
    lua_Unsigned gap = (lua_Unsigned)lua_tointeger(L, -2) - i - 1;
    if (gap != 0) {
      f->i = i;
      if (gap >= n - i || !write_holes(w, f, (uint32_t)gap)) break;
      i = f->i;
    }
    if (i == n) break;
    f->i = ++i;
    if (lua_isinteger(L, -1)) {
      writer_reserve(w, SCALAR_ROOM);
      writer_integer(w, lua_tointeger(L, -1));
    } else {
      int type = lua_type(L, -1);
      if (!write_scalar(w, -1, type, false)) {
        if (untidy > 0) lower_pair(L, slot);
        untidy = 0;
        if (!write_object(w, type)) return false;
        lua_settop(L, -2);
        continue;
      }
    }
    if (++untidy == UNTIDY) {
      lua_settop(L, slot);
      untidy = 0;
    }
    lua_pushinteger(L, i);
  }
  if (untidy > 0 && *more) lower_pair(L, slot);
  else if (untidy > 0) lua_settop(L, slot);
  return true;
}

/* The rest of a list that stands where lua_next gives no order: one by one, while the key waits at its place. */
static bool step_rest(Writer *w, WriteFrame *f, int slot) {
  lua_State *L = w->L;
  while (f->i < f->n) {
    uint32_t k = f->i + 1;
    while (lua_rawgeti(L, slot, k) == LUA_TNIL && k < f->n) {
      lua_pop(L, 1);
      k++;
    }
    if (k - f->i > 1 && !write_holes(w, f, k - f->i - 1)) {
      lua_pop(L, 1);
      return true;
    }
    f->i++;
    if (!write_value(w)) return false;
  }
  return true;
}

/* Whether the key at index i was written in the rest of the list. */
static bool is_in_rest(const WriteFrame *f, lua_State *L, int i) {
  return f->rest < f->i && lua_isinteger(L, i) && (lua_Unsigned)lua_tointeger(L, i) - f->rest - 1 < f->i - f->rest;
}

/* A pair is on top of the table. False: the walk goes on elsewhere. */
static bool write_pair(Writer *w, WriteFrame *f) {
  lua_State *L = w->L;
  if (is_in_rest(f, L, -2)) {
    lua_settop(L, -2);
    return true;
  }
  f->pairs++;
  int type = lua_type(L, -2);
  if (type == LUA_TSTRING) {
    writer_reserve(w, SHORT_STRING + SCALAR_ROOM);
    writer_string(w, -2);
    return write_value(w);
  }
  if (write_scalar(w, -2, type, true)) return write_value(w);
  lua_settop(L, -2);
  lua_pushvalue(L, -1);
  f->phase = PHASE_KEY;
  return write_value(w);
}

/* The key, now on top, was written; the value is still to be. */
static bool write_value_of_key(Writer *w, WriteFrame *f, int slot) {
  f->phase = PHASE_PAIRS;
  lua_pushvalue(w->L, -1);
  lua_rawget(w->L, slot);
  return write_value(w);
}

static void patch_header(Writer *w, const WriteFrame *f) {
  uint8_t *header = w->out.bytes + f->at;
  if ((header[0] & TABLE_LIST8) != 0) header[2] = (uint8_t)f->i;
  if ((header[0] & TABLE_LIST32) != 0) memcpy(header + 2, &f->i, 4);
  if (f->pairs > 0) header[1] = (uint8_t)(f->pairs == 1 ? 1 : 65 - __builtin_clzll(f->pairs - 1));
}

/* The metatable was just written. In a task it has a number behind it, under which it comes back if it went by value.
 * */
static void number_metatable(Writer *w, int slot) {
  size_t number = 0;
  if (w->link == NULL || w->link->worker || !lua_getmetatable(w->L, slot)) return;
  const Ref *ref = refs_find(&w->refs, lua_topointer(w->L, -1));
  if (ref != NULL && w->out.bytes[ref->value] >= TAG_TABLE && w->out.bytes[ref->value] < TAG_NIL)
    number = writer_origin(w, lua_gettop(w->L));
  lua_pop(w->L, 1);
  writer_varint(w, number);
}

/* What is left of a table once its pairs are written. False: its metatable became a frame. */
static bool write_end(Writer *w, WriteFrame *f, int slot) {
  lua_pushnil(w->L); /* lua_next took the key away */
  writer_reserve(w, SCALAR_ROOM);
  if (f->pairs > 0) writer_byte(w, TAG_END);
  patch_header(w, f);
  f->phase = PHASE_META;
  return (w->out.bytes[f->at] & TABLE_META) == 0 || !lua_getmetatable(w->L, slot) || write_value(w);
}

/* The list and what follows it up to the first pair, which is on top if there is one. False: the walk goes on
 * elsewhere. */
static bool step_items(Writer *w, WriteFrame *f, int slot, bool *more) {
  lua_State *L = w->L;
  if (f->phase == PHASE_LIST) {
    if (!step_list(w, f, slot, more)) return false;
    f->phase = PHASE_PAIRS;
    f->rest = f->i;
    if (!*more || f->i == f->n) return true;
    lua_settop(L, -2);
    f->phase = PHASE_REST;
  }
  if (!step_rest(w, f, slot)) return false;
  f->phase = PHASE_PAIRS;
  lua_pushvalue(L, -1);
  lua_rawget(L, slot);
  return true;
}

static void step_table(Writer *w) {
  lua_State *L = w->L;
  WriteFrame *f = &w->frames[w->depth];
  int slot = writer_slot(w, w->depth);
  bool more = true, pending = f->phase == PHASE_LIST || f->phase == PHASE_REST;
  if (pending && !step_items(w, f, slot, &more)) return;
  if (f->phase == PHASE_KEY && !write_value_of_key(w, f, slot)) return;
  while (f->phase == PHASE_PAIRS && more) {
    if (!pending && !(more = lua_next(L, slot))) break;
    pending = false;
    if (!write_pair(w, f)) return;
    if (f->phase == PHASE_KEY && !write_value_of_key(w, f, slot)) return;
  }
  if (f->phase == PHASE_PAIRS && !write_end(w, f, slot)) return;
  if ((w->out.bytes[f->at] & TABLE_META) != 0) number_metatable(w, slot);
  writer_pop(w);
}

static void step_function(Writer *w) {
  int slot = writer_slot(w, w->depth);
  for (WriteFrame *f = &w->frames[w->depth]; f->i < f->n;)
    if (writer_upvalue(w, slot, (int)++f->i) && !write_value(w)) return;
  writer_pop(w);
}

static void step_reduce(Writer *w) {
  int slot = writer_slot(w, w->depth);
  for (WriteFrame *f = &w->frames[w->depth]; f->i < f->n;) {
    lua_rawgeti(w->L, slot, (lua_Integer)++f->i);
    if (!write_value(w)) return;
  }
  writer_pop(w);
}

static void walk(Writer *w) {
  while (w->depth >= 0 && w->restart == 0) {
    switch (w->frames[w->depth].kind) {
      case FRAME_ROOTS: step_roots(w); break;
      case FRAME_TABLE: step_table(w); break;
      case FRAME_FUNCTION: step_function(w); break;
      case FRAME_REDUCE: step_reduce(w); break;
    }
  }
}

/* What an earlier walk had the message keep. */
static void unpin(Writer *w) {
  for (lua_pushnil(w->L); lua_next(w->L, w->base + SLOT_PINS) != 0;) {
    lua_pop(w->L, 1);
    lua_pushvalue(w->L, -1);
    lua_pushnil(w->L);
    lua_rawset(w->L, w->base + SLOT_PINS);
  }
}

/* Before a walk: what this mode needs, made while the collector may run. */
static void prepare(Writer *w) {
  lua_State *L = w->L;
  Names *names = w->link != NULL ? &w->link->names : &w->own_names;
  lua_settop(L, w->base + SLOT_FRAMES - 1);
  if (w->pins) unpin(w);
  writer_forget(w);
  w->generation++;
  w->mode |= w->restart;
  if ((w->restart & RESTART_FRESH) != 0 || ((w->mode & RESTART_NAMES) != 0 && names->keys == LUA_NOREF)) {
    names_free(L, names);
    if (w->link != NULL) link_collect_names(L, w->link);
    else names_collect(L, names, w->own_scope, 0, 0);
    w->mode |= RESTART_FRESH;
  }
  if ((w->restart & RESTART_LOOK) != 0) link_look(L, w->link);
  bool wanted = w->link != NULL || (w->mode & (RESTART_NAMES | RESTART_FRESH)) != 0;
  if (wanted && names->keys != LUA_NOREF) w->names = names;
  if (w->names != NULL) {
    modules_push_loaded(L);
    lua_replace(L, w->base + SLOT_LOADED);
  }
  if ((w->mode & RESTART_ANCHORING) != 0) {
    lua_newtable(L);
    lua_replace(L, w->base + SLOT_ANCHOR);
    writer_begin_shares(w);
  }
  w->restart = 0;
}

void writer_run(Writer *w, int first, int n, PickleRoot root) {
  w->first = first;
  w->root = root;
  do {
    prepare(w);
    writer_reserve(w, SCALAR_ROOM);
    writer_byte(w, PICKLE_VERSION);
    writer_varint(w, (uint64_t)n);
    lua_pushnil(w->L); /* the roots have no object */
    w->depth = -1;
    writer_push(w, FRAME_ROOTS, 0, (uint32_t)n);
    walk(w);
    if (w->restart == 0) writer_end_shares(w);
    if (w->ncodes > 0 && w->codes[0]->epoch != w->codes[w->ncodes - 1]->epoch) w->restart |= RESTART_CODES;
  } while (w->restart != 0);
}
