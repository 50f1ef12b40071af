/* Writing: a walk with raw accesses, without recursion on the C stack. Between writer_begin and writer_end no Lua memory
 * is allocated in a way that could step the collector, so addresses tell objects apart.
 *
 * The walk starts in the hope for plain data. What it then turns out to need makes it begin again in another mode:
 *
 *   RESTART_NAMES      a class, a function or a userdata was met: names are collected, every table is looked up
 *   RESTART_FRESH      something has no name among those of an earlier message, which were tried first
 *   RESTART_ANCHORING  a __reduce is to be called, which may drop what was met: everything met is kept alive
 *   RESTART_CAREFUL    keys 1, 2, … were mixed with strings like "1" in the order of the table
 */
#include "pool/pickle/write.h"

#include <lauxlib.h>
#include <string.h>

#include "pool/pickle/format.h"

enum { SCALAR_ROOM = 16 };

void writer_varint(Writer *w, uint64_t value) {
  writer_reserve(w, SCALAR_ROOM);
  for (; value >= 0x80; value >>= 7) writer_byte(w, 0x80 | (value & 0x7F));
  writer_byte(w, (unsigned)value);
}

/* The offset that the reader gives to what stands at `at` of the buffer: pieces come in between. */
void writer_offset(Writer *w, size_t at) {
  size_t before = 0;
  unsigned low = 0, high = w->npieces;
  while (low < high) {
    unsigned middle = low + (high - low) / 2;
    if (w->pieces[middle].at <= at) low = middle + 1;
    else high = middle;
  }
  if (low > 0) before = w->pieces[low - 1].before + w->pieces[low - 1].size;
  writer_varint(w, at + before);
}

static inline void write_fixed(Writer *w, unsigned tag, const void *value, size_t size) {
  writer_byte(w, tag);
  memcpy(w->out.bytes + w->out.size, value, size);
  w->out.size += size;
}

static inline void write_integer(Writer *w, lua_Integer value) {
  if (value >= 0 && value < 128) writer_byte(w, TAG_SMALL + (unsigned)value);
  else if (value >= INT8_MIN && value <= INT8_MAX) write_fixed(w, TAG_INT8, &value, 1);
  else if (value >= INT16_MIN && value <= INT16_MAX) write_fixed(w, TAG_INT16, &value, 2);
  else if (value >= INT32_MIN && value <= INT32_MAX) write_fixed(w, TAG_INT32, &value, 4);
  else write_fixed(w, TAG_INT64, &value, 8);
}

static void write_bytes(Writer *w, const void *bytes, size_t size) {
  if (!bytes_append(&w->out, bytes, size)) writer_no_memory(w);
}

/* The string at index i, of more than PICKLE_PIN bytes, stands in a piece. */
static void write_piece(Writer *w, int i, const char *s, size_t size) {
  if (w->npieces == w->piece_capacity) {
    unsigned capacity = w->piece_capacity == 0 ? 8 : 2 * w->piece_capacity;
    PicklePiece *pieces = pickle_realloc(w->pieces, capacity * sizeof *pieces);
    if (pieces == NULL) writer_no_memory(w);
    w->pieces = pieces;
    w->piece_capacity = capacity;
  }
  lua_pushvalue(w->L, i);
  lua_rawseti(w->L, w->base + SLOT_PINS, w->npieces + 1);
  size_t before = w->npieces == 0 ? 0 : w->pieces[w->npieces - 1].before + w->pieces[w->npieces - 1].size;
  w->pieces[w->npieces++] = (PicklePiece){w->out.size, before, s, size};
}

/* A reference to an object whose __reduce is not done with would be read before the object is made. */
static void check_made(Writer *w, size_t at) {
  if ((w->out.bytes[at] & ~TAG_SHARED) != TAG_REDUCE) return;
  int low = 0, high = w->depth + 1;
  while (low < high) {
    int middle = low + (high - low) / 2;
    if (w->frames[middle].at < at) low = middle + 1;
    else high = middle;
  }
  if (low <= w->depth && w->frames[low].at == at && w->frames[low].kind == FRAME_REDUCE)
    writer_refuse(w, "what its __reduce returns leads back to it");
}

/* Notes that the object with that address has its tag at the end of the buffer. False: it was met before, and a
 * reference to it is written. */
static bool meet(Writer *w, const void *address) {
  bool added;
  Ref *ref = refs_add(&w->refs, address, w->out.size, &added);
  if (ref == NULL) writer_no_memory(w);
  if (added) return true;
  check_made(w, ref->value);
  w->out.bytes[ref->value] |= TAG_SHARED;
  writer_byte(w, TAG_REF);
  writer_offset(w, ref->value);
  return false;
}

/* In the mode that asks for it, keeps the object at index i until the message is written. */
static void anchor(Writer *w, int i) {
  if ((w->mode & RESTART_ANCHORING) == 0) return;
  lua_pushvalue(w->L, i);
  lua_rawseti(w->L, w->base + SLOT_ANCHOR, ++w->anchored);
}

static __attribute__((noinline)) void write_long_string(Writer *w, int i, const char *s, size_t size) {
  if (!meet(w, s)) return;
  anchor(w, i);
  writer_byte(w, TAG_STRING_LONG);
  writer_varint(w, size);
  if (w->link != NULL && size > PICKLE_PIN) write_piece(w, i, s, size);
  else write_bytes(w, s, size);
  writer_reserve(w, SCALAR_ROOM);
}

static inline void write_short_string(Writer *w, const char *s, size_t size) {
  WriterString *known = &w->strings[((uintptr_t)s >> 3 ^ (uintptr_t)s >> 11) % WRITER_STRINGS];
  if (known->address != s || known->generation != w->generation) {
    *known = (WriterString){s, w->generation, 0};
    if (size >= 2 && s[0] == '_' && s[1] == '_' && w->link == NULL && (w->mode & RESTART_FRESH) == 0)
      w->restart |= w->names == NULL ? RESTART_NAMES : RESTART_FRESH;
    if (size < TAG_STRING_REF - TAG_STRING) {
      writer_byte(w, TAG_STRING + (unsigned)size);
    } else {
      writer_byte(w, TAG_STRING_LONG);
      writer_byte(w, (unsigned)size);
    }
  } else if (known->number == 0) {
    known->number = ++w->string_count;
    writer_byte(w, TAG_STRING_DEFINE);
    writer_byte(w, (unsigned)size);
  } else {
    uint32_t number = known->number - 1;
    if (number < TAG_TABLE - TAG_STRING_REF) {
      writer_byte(w, TAG_STRING_REF + number);
    } else {
      writer_byte(w, TAG_STRING_REF_FAR);
      writer_varint(w, number);
    }
    return;
  }
  memcpy(w->out.bytes + w->out.size, s, size);
  w->out.size += size;
}

static inline void write_string(Writer *w, int i) {
  size_t size;
  const char *s = lua_tolstring(w->L, i, &size);
  if (size > SHORT_STRING) write_long_string(w, i, s, size);
  else write_short_string(w, s, size);
}

/* Writes the value at index i if it is none that can hold others. */
static inline __attribute__((always_inline)) bool write_scalar(Writer *w, int i, int type) {
  writer_reserve(w, SHORT_STRING + SCALAR_ROOM);
  switch (type) {
    case LUA_TNUMBER:
      if (lua_isinteger(w->L, i)) {
        write_integer(w, lua_tointeger(w->L, i));
      } else {
        lua_Number value = lua_tonumber(w->L, i);
        write_fixed(w, TAG_FLOAT, &value, sizeof value);
      }
      return true;
    case LUA_TSTRING: write_string(w, i); return true;
    case LUA_TBOOLEAN: writer_byte(w, lua_toboolean(w->L, i) ? TAG_TRUE : TAG_FALSE); return true;
    case LUA_TNIL: writer_byte(w, TAG_NIL); return true;
    default: return false;
  }
}

static void spill(Writer *w, int depth) {
  int slot = writer_slot(w, depth);
  w->spilled = true;
  for (int i = 0; i < 2; i++) {
    lua_pushvalue(w->L, slot + i);
    lua_rawseti(w->L, w->base + SLOT_SPILL, 2 * (lua_Integer)depth + i + 1);
  }
}

WriteFrame *writer_push(Writer *w, FrameKind kind, size_t at, uint32_t n) {
  if (w->depth + 1 >= w->frame_capacity) {
    int capacity = w->frame_capacity == 0 ? 64 : 2 * w->frame_capacity;
    WriteFrame *frames = pickle_realloc(w->frames, (size_t)capacity * sizeof *frames);
    if (frames == NULL) writer_no_memory(w);
    w->frames = frames;
    w->frame_capacity = capacity;
  }
  if (w->depth >= STACK_LEVELS) { /* the new frame takes the place of its parent */
    spill(w, w->depth);
    lua_replace(w->L, writer_slot(w, w->depth));
    lua_settop(w->L, writer_slot(w, w->depth));
  }
  lua_pushnil(w->L); /* the key */
  WriteFrame *f = &w->frames[++w->depth];
  *f = (WriteFrame){.at = at, .n = n, .kind = kind, .phase = PHASE_LIST};
  return f;
}

void writer_pop(Writer *w) {
  lua_settop(w->L, writer_slot(w, w->depth) - 1);
  w->depth--;
  if (w->depth < STACK_LEVELS) return;
  for (int i = 0; i < 2; i++) lua_rawgeti(w->L, w->base + SLOT_SPILL, 2 * (lua_Integer)w->depth + i + 1);
}

static bool is_named(Writer *w) {
  lua_State *L = w->L;
  if (!names_push_if_valid(L, w->names, lua_gettop(L), w->base + SLOT_LOADED)) return false;
  writer_byte(w, lua_isnil(L, -1) ? TAG_MODULE : TAG_NAME);
  writer_reserve(w, SHORT_STRING + SCALAR_ROOM);
  write_string(w, -2);
  if (!lua_isnil(L, -1)) {
    writer_reserve(w, SHORT_STRING + SCALAR_ROOM);
    write_string(w, -1);
  }
  lua_pop(L, 2);
  return true;
}

/* Whether the table on top is more than data: holds functions, or is made to be a metatable. */
static bool is_class(Writer *w) {
  lua_State *L = w->L;
  int table = lua_gettop(L);
  lua_pushnil(L);
  while (lua_next(L, table)) {
    size_t size = 0;
    const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tolstring(L, -2, &size) : NULL;
    if (lua_isfunction(L, -1) || (size >= 2 && key[0] == '_' && key[1] == '_')) {
      lua_pop(L, 2);
      return true;
    }
    lua_pop(L, 1);
  }
  return false;
}

/* Whether the table on top goes by name: a module, a class, or whatever is a metatable. */
static bool is_named_table(Writer *w) {
  const Ref *ref = refs_find(&w->names->map, lua_topointer(w->L, -1));
  if (ref == NULL) return false;
  const WriteFrame *parent = &w->frames[w->depth];
  if (parent->kind != FRAME_TABLE || parent->phase != PHASE_META) {
    lua_rawgeti(w->L, LUA_REGISTRYINDEX, w->names->list);
    bool module = lua_rawgeti(w->L, -1, (lua_Integer)ref->value + 1) != LUA_TSTRING;
    lua_pop(w->L, 2);
    if (!module && !is_class(w)) return false;
  }
  return is_named(w);
}

/* In a worker: the object on top came with the task, and returns as its number. */
static bool is_tracked(Writer *w) {
  if (w->link == NULL || !w->link->worker) return false;
  size_t number = link_tracked(w->link, lua_topointer(w->L, -1));
  if (number == 0) return false;
  writer_byte(w, TAG_ORIGIN);
  writer_varint(w, number);
  return true;
}

/* Calls __reduce, which is on top of the object; the list {constructor, arguments…} takes the place of both. Returns its
 * length. */
static uint32_t call_reduce(Writer *w) {
  lua_State *L = w->L;
  lua_insert(L, -2);
  int function = lua_gettop(L) - 1;
  lua_pushvalue(L, -1); /* stays, for the path of an error */
  lua_insert(L, function);
  lua_call(L, 1, LUA_MULTRET);
  w->generation++; /* strings may have gone, and metatables changed */
  w->plain_meta = NULL;
  int n = lua_gettop(L) - function;
  if (n < 1 || !lua_isfunction(L, function + 1)) {
    lua_settop(L, function);
    writer_refuse(w, "its __reduce must return a function and its arguments");
  }
  luaL_checkstack(L, 2, NULL);
  lua_createtable(L, n, 0);
  lua_replace(L, function);
  for (int i = n; i > 0; i--) lua_rawseti(L, function, i);
  return (uint32_t)n;
}

static bool reduce(Writer *w, size_t at) {
  if ((w->mode & RESTART_ANCHORING) == 0) {
    w->restart |= RESTART_ANCHORING;
    return false;
  }
  uint32_t n = call_reduce(w);
  writer_reserve(w, SCALAR_ROOM);
  writer_byte(w, TAG_REDUCE);
  writer_varint(w, n);
  writer_push(w, FRAME_REDUCE, at, n);
  return false;
}

/* Pushes field i of the writer's list of names (1: __reduce, 2: __gc, 3: __close) of the metatable on top. */
static bool has_field(Writer *w, int i) {
  lua_rawgeti(w->L, w->base + SLOT_FIELDS, i);
  if (lua_rawget(w->L, -2) != LUA_TNIL) return true;
  lua_pop(w->L, 1);
  return false;
}

/* The object on top has the metatable on top of it. True: __reduce takes the metatable's place. */
static bool has_reduce(Writer *w) {
  lua_State *L = w->L;
  const void *meta = lua_topointer(L, -1);
  if (meta == w->plain_meta) {
    lua_pop(L, 1);
    return false;
  }
  if (has_field(w, 1)) {
    lua_remove(L, -2);
    return true;
  }
  if (lua_istable(L, -2) && (has_field(w, 2) || has_field(w, 3))) {
    lua_pop(L, 2);
    writer_refuse(w, "it has a __gc or __close, and no __reduce that says how to send it");
  }
  w->plain_meta = meta;
  lua_pop(L, 1);
  return false;
}

/* What has no name among those of an earlier message may have got one since: collect them again. */
static bool names_are_old(Writer *w) {
  if (w->link != NULL || (w->mode & RESTART_FRESH) != 0) return false;
  w->restart |= RESTART_FRESH;
  return true;
}

static bool is_metatable(const Writer *w) {
  const WriteFrame *parent = &w->frames[w->depth];
  return parent->kind == FRAME_TABLE && parent->phase == PHASE_META;
}

static bool write_table(Writer *w, size_t at) {
  lua_State *L = w->L;
  bool meta = lua_getmetatable(L, -1);
  if (meta && w->names == NULL) {
    w->restart |= RESTART_NAMES;
    return false;
  }
  if (meta) lua_pop(L, 1);
  if (w->names != NULL && (is_named_table(w) || is_tracked(w))) return true;
  if (is_metatable(w) && names_are_old(w)) return false;
  if (meta && lua_getmetatable(L, -1) && has_reduce(w)) return reduce(w, at);
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
  if (is_named(w) || is_tracked(w)) return true;
  if (names_are_old(w)) return false;
  if (lua_iscfunction(w->L, -1)) writer_refuse(w, "no name in package.loaded leads to this C function");
  if (w->link != NULL && w->link->worker && (w->link->options & PICKLE_LINK_FUNCTIONS) == 0)
    writer_refuse(w, "it was made in a worker, and functions made there do not return");
  return writer_function(w, at);
}

static bool write_userdata(Writer *w, size_t at) {
  if (is_named(w)) return true;
  if (names_are_old(w)) return false;
  if (lua_getmetatable(w->L, -1) && has_reduce(w)) return reduce(w, at);
  writer_refuse(w, "a userdata needs a name or a __reduce");
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
  if (!meet(w, address)) return true;
  anchor(w, -1);
  if (type == LUA_TTABLE) return write_table(w, at);
  if (w->names == NULL) {
    w->restart |= RESTART_NAMES;
    return false;
  }
  return type == LUA_TFUNCTION ? write_function(w, at) : write_userdata(w, at);
}

bool writer_value(Writer *w) {
  int type = lua_type(w->L, -1);
  if (!write_scalar(w, -1, type) && !write_object(w, type)) return false;
  lua_settop(w->L, -2);
  return true;
}

static void step_roots(Writer *w) {
  for (WriteFrame *f = &w->frames[w->depth]; f->i < f->n;) {
    lua_pushvalue(w->L, w->first + (int)f->i++);
    if (!writer_value(w)) return;
  }
  w->depth--;
}

/* lua_rawlen leaves the length in the table as a hint, which lua_next has to look behind at each of its steps. A look at
 * the last place of the array, if that is a power of two, takes the hint away. */
static void forget_length(lua_State *L, int slot, uint32_t n) {
  lua_rawgeti(L, slot, (lua_Integer)1 << (64 - __builtin_clzll(n - 1)));
  lua_pop(L, 1);
}

/* The list, as long as the table gives its keys in order. False: the walk goes on elsewhere, or begins again; true: a
 * pair is on top, or nothing if the table is at its end. */
static bool step_list(Writer *w, WriteFrame *f, int slot, bool *more) {
  lua_State *L = w->L;
  if (f->i == 0 && f->n > UINT8_MAX) forget_length(L, slot, f->n);
  while ((*more = lua_next(L, slot))) {
    if (f->i == f->n || lua_tointeger(L, -2) != (lua_Integer)f->i + 1) break;
    if ((w->mode & RESTART_CAREFUL) != 0 && !lua_isinteger(L, -2)) break;
    f->i++;
    if (lua_isinteger(L, -1)) {
      writer_reserve(w, SCALAR_ROOM);
      write_integer(w, lua_tointeger(L, -1));
      lua_settop(L, -2);
    } else if (!writer_value(w)) {
      return false;
    }
  }
  f->phase = PHASE_PAIRS;
  return true;
}

/* A pair is on top of the table. False: the walk goes on elsewhere. */
static bool write_pair(Writer *w, WriteFrame *f) {
  lua_State *L = w->L;
  f->pairs++;
  if (f->i > 0 && lua_isinteger(L, -2) && (lua_Unsigned)lua_tointeger(L, -2) - 1 < f->i)
    w->restart |= RESTART_CAREFUL; /* a string like "1" stands in the list instead */
  if (write_scalar(w, -2, lua_type(L, -2))) return writer_value(w);
  lua_settop(L, -2);
  lua_pushvalue(L, -1);
  f->phase = PHASE_KEY;
  if (!writer_value(w)) return false;
  return true;
}

/* The key, now on top, was written; the value is still to be. */
static bool write_value_of_key(Writer *w, WriteFrame *f, int slot) {
  f->phase = PHASE_PAIRS;
  lua_pushvalue(w->L, -1);
  lua_rawget(w->L, slot);
  return writer_value(w);
}

static void patch_header(Writer *w, const WriteFrame *f) {
  uint8_t *header = w->out.bytes + f->at;
  if ((header[0] & TABLE_LIST8) != 0) header[2] = (uint8_t)f->i;
  if ((header[0] & TABLE_LIST32) != 0) memcpy(header + 2, &f->i, 4);
  if (f->pairs > 0) header[1] = (uint8_t)(f->pairs == 1 ? 1 : 65 - __builtin_clzll(f->pairs - 1));
}

/* The metatable that was just written at `at`: one by value may come back. */
static void note_metatable(Writer *w, int slot) {
  if (w->link == NULL || !lua_getmetatable(w->L, slot)) return;
  const Ref *ref = refs_find(&w->refs, lua_topointer(w->L, -1));
  if (ref != NULL && w->out.bytes[ref->value] >= TAG_TABLE && w->out.bytes[ref->value] < TAG_NIL)
    writer_origin(w, lua_gettop(w->L));
  lua_pop(w->L, 1);
}

static void step_table(Writer *w) {
  lua_State *L = w->L;
  WriteFrame *f = &w->frames[w->depth];
  int slot = writer_slot(w, w->depth);
  bool more = true, pending = false;
  if (f->phase == PHASE_LIST) {
    if (!step_list(w, f, slot, &more)) return;
    pending = more;
  }
  if (f->phase == PHASE_KEY && !write_value_of_key(w, f, slot)) return;
  while (f->phase == PHASE_PAIRS && more) {
    if (!pending && !(more = lua_next(L, slot))) break;
    pending = false;
    if (!write_pair(w, f)) return;
    if (f->phase == PHASE_KEY && !write_value_of_key(w, f, slot)) return;
  }
  if (f->phase == PHASE_PAIRS) {
    lua_pushnil(L); /* lua_next took the key away */
    writer_reserve(w, SCALAR_ROOM);
    if (f->pairs > 0) writer_byte(w, TAG_END);
    patch_header(w, f);
    f->phase = PHASE_META;
    if ((w->out.bytes[f->at] & TABLE_META) != 0 && lua_getmetatable(L, slot) && !writer_value(w)) return;
  }
  if ((w->out.bytes[f->at] & TABLE_META) != 0) note_metatable(w, slot);
  writer_pop(w);
}

static void step_reduce(Writer *w) {
  int slot = writer_slot(w, w->depth);
  for (WriteFrame *f = &w->frames[w->depth]; f->i < f->n;) {
    lua_rawgeti(w->L, slot, (lua_Integer)++f->i);
    if (!writer_value(w)) return;
  }
  writer_pop(w);
}

static void walk(Writer *w) {
  while (w->depth >= 0 && w->restart == 0) {
    switch (w->frames[w->depth].kind) {
      case FRAME_ROOTS: step_roots(w); break;
      case FRAME_TABLE: step_table(w); break;
      case FRAME_FUNCTION: writer_step_function(w); break;
      case FRAME_REDUCE: step_reduce(w); break;
    }
  }
}

/* Before a walk: what this mode needs, made while the collector may run. */
static void prepare(Writer *w) {
  lua_State *L = w->L;
  lua_settop(L, w->base + SLOT_FRAMES - 1);
  writer_forget(w);
  w->generation++;
  if (w->link != NULL) w->names = &w->link->names;
  if (w->link == NULL && (w->mode & (RESTART_NAMES | RESTART_FRESH)) != 0) {
    if ((w->restart & RESTART_FRESH) != 0) names_free(L, &w->own_names);
    if (w->own_names.list == LUA_NOREF) {
      names_collect(L, &w->own_names, false);
      w->mode |= RESTART_FRESH;
    }
    w->names = &w->own_names;
  }
  if (w->names != NULL) {
    names_push_loaded(L);
    lua_replace(L, w->base + SLOT_LOADED);
  }
  if ((w->mode & RESTART_ANCHORING) != 0) {
    lua_newtable(L);
    lua_replace(L, w->base + SLOT_ANCHOR);
  }
}

void writer_run(Writer *w, int first, int n, PickleRoot root) {
  w->first = first;
  w->root = root;
  do {
    w->mode |= w->restart;
    prepare(w);
    w->restart = 0;
    writer_reserve(w, SCALAR_ROOM);
    writer_byte(w, PICKLE_VERSION);
    writer_varint(w, (uint64_t)n);
    lua_pushnil(w->L); /* the roots have no object */
    w->depth = -1;
    writer_push(w, FRAME_ROOTS, 0, (uint32_t)n);
    walk(w);
  } while (w->restart != 0);
}
