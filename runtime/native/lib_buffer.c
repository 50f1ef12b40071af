/* native.buffer(type, n | string | table | buffer): typed arrays outside the Lua heap. Types: f64 f32 i64 i32 u8.
 *
 *   b[i]  b[i] = v  #b  b == c                     indexes begin with 1 and are checked
 *   b.type  b.itemsize  b.nbytes
 *   b:fill(v [, i [, j]])                          -> b
 *   b:assign(i, string | table | buffer)           writes from element i on; a string is raw bytes  -> b
 *   b:move(f, e, t [, to])                         like table.move, between types too  -> to
 *   b:copy()  b:sub(i [, j])                       a new buffer; indexes as in string.sub
 *   b:view(i [, j])                                the same memory; b cannot be freed or resized meanwhile
 *   b:tostring([i [, j]])  b:totable([i [, j]])    raw bytes; a list
 *   b:resize(n)  b:free()                          not while native code or a view uses it
 *   for i, v in pairs(b) do
 */
#include <string.h>

#include "runtime/native/buffer.h"
#include "runtime/native/keeps.h"
#include "runtime/native/lib_native.h"
#include "runtime/state/options.h"
#include "runtime/state/text.h"

/* Returns the element that the integer at index i names, from 0. */
static inline size_t check_index(lua_State *L, const Buffer *b, int i) {
  int ok;
  lua_Integer n = lua_tointegerx(L, i, &ok);
  if (!ok) luaL_error(L, "a buffer has no field '%s'", luaL_tolstring(L, i, NULL));
  if ((lua_Unsigned)n - 1 >= b->length) {
    if (b->freed) luaL_error(L, "the buffer was freed");
    luaL_error(L, "index %I is out of range (1 to %I)", (LUAI_UACINT)n, (LUAI_UACINT)b->length);
  }
  return (size_t)n - 1;
}

static bool get_field(lua_State *L, const Buffer *b, const char *field) {
  if (strcmp(field, "type") == 0) lua_pushstring(L, buffer_type_names[b->type]);
  else if (strcmp(field, "itemsize") == 0) lua_pushinteger(L, buffer_item_sizes[b->type]);
  else if (strcmp(field, "nbytes") == 0) lua_pushinteger(L, (lua_Integer)buffer_nbytes(b));
  else return false;
  return true;
}

/* __index; upvalue: methods */
static int buffer_index(lua_State *L) {
  Buffer *b = object_check(L, 1, &buffer_type);
  if (lua_type(L, 2) == LUA_TSTRING) {
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) return 1;
    const char *field = text_whole(L, 2);
    if (field != NULL && get_field(L, b, field)) return 1;
  }
  buffer_get(L, b, check_index(L, b, 2));
  return 1;
}

static int buffer_newindex(lua_State *L) {
  Buffer *b = object_check(L, 1, &buffer_type);
  buffer_set(L, b, check_index(L, b, 2), 3);
  return 0;
}

static int buffer_len(lua_State *L) {
  Buffer *b = object_check(L, 1, &buffer_type);
  lua_pushinteger(L, (lua_Integer)b->length);
  return 1;
}

size_t native_range(lua_State *L, int i, const Buffer *b, size_t *first) {
  lua_Integer n = (lua_Integer)b->length, from = luaL_optinteger(L, i, 1), to = luaL_optinteger(L, i + 1, -1);
  if (from < 0) from = from < -n ? 1 : n + from + 1;
  else if (from == 0) from = 1;
  if (to < 0) to = to < -n ? 0 : n + to + 1;
  else if (to > n) to = n;
  *first = (size_t)from - 1;
  return from > to ? 0 : (size_t)(to - from) + 1;
}

static char *address(const Buffer *b, size_t i) {
  return b->length == 0 ? b->data : (char *)b->data + i * buffer_item_sizes[b->type];
}

static int buffer_fill(lua_State *L) {
  Buffer *b = buffer_check(L, 1);
  size_t first, n = native_range(L, 3, b, &first), size = buffer_item_sizes[b->type], done = 1;
  lua_settop(L, 2);
  if (n > 0) {
    char *at = address(b, first);
    buffer_set(L, b, first, 2);
    for (; done < n; done *= 2) memcpy(at + done * size, at, (done < n - done ? done : n - done) * size);
  }
  lua_settop(L, 1);
  return 1;
}

static int out_of_room(lua_State *L, const Buffer *b) {
  return luaL_error(L, "more values than fit into a buffer of %I", (LUAI_UACINT)b->length);
}

/* Raises unless n elements fit into b from element `at` (from 0; below it, a huge number). */
static void check_room(lua_State *L, const Buffer *b, lua_Unsigned at, size_t n) {
  if (at > b->length || n > b->length - (size_t)at) out_of_room(L, b);
  if (!b->writable) luaL_error(L, "this buffer is read-only");
}

/* Copies n elements from `first` on of the buffer at index `from` to those from `at` on of the one at index `to`; bytes that
 * stay as they are may be pointers, and what these lead to comes along. */
static void convert(lua_State *L, int to, size_t at, int from, size_t first, size_t n) {
  const Buffer *target = buffer_test(L, to), *source = buffer_test(L, from);
  if (target->type == source->type)
    keeps_move(L, to, address(target, at), from, address(source, first), n * buffer_item_sizes[target->type]);
  else if (!buffer_convert(address(target, at), target->type, address(source, first), source->type, n))
    luaL_error(L, "a value does not fit into a buffer of %s", buffer_type_names[target->type]);
}

/* Stores the values at index v (a string, table or buffer) into the buffer at index to from element `at` on. */
static void assign(lua_State *L, int to, lua_Unsigned at, int v) {
  Buffer *b = buffer_test(L, to);
  if (buffer_test(L, v) != NULL) {
    const Buffer *from = buffer_check(L, v);
    check_room(L, b, at, from->length);
    convert(L, to, (size_t)at, v, 0, from->length);
  } else if (lua_type(L, v) == LUA_TSTRING) {
    size_t nbytes, size = buffer_item_sizes[b->type];
    const char *bytes = lua_tolstring(L, v, &nbytes);
    luaL_argcheck(L, nbytes % size == 0, v, "its length is no multiple of the element size");
    check_room(L, b, at, nbytes / size);
    if (nbytes > 0) memcpy(address(b, (size_t)at), bytes, nbytes);
  } else {
    luaL_argexpected(L, lua_istable(L, v), v, "list, string or buffer");
    options_check_list(L, v, LIST_RAW, "");
    size_t n = lua_rawlen(L, v);
    check_room(L, b, at, n);
    for (size_t i = 0; i < n; i++, lua_pop(L, 1)) {
      lua_rawgeti(L, v, (lua_Integer)i + 1);
      buffer_set(L, b, (size_t)at + i, -1);
    }
  }
}

static int buffer_assign(lua_State *L) {
  buffer_check(L, 1);
  assign(L, 1, (lua_Unsigned)luaL_checkinteger(L, 2) - 1, 3);
  lua_settop(L, 1);
  return 1;
}

static int buffer_move(lua_State *L) {
  Buffer *b = buffer_check(L, 1), *to = lua_isnoneornil(L, 5) ? b : buffer_check(L, 5);
  lua_Integer f = luaL_checkinteger(L, 2), e = luaL_checkinteger(L, 3), t = luaL_checkinteger(L, 4);
  if (f <= e) {
    luaL_argcheck(L, f >= 1 && (size_t)e <= b->length, 2, "the range is not inside the buffer");
    size_t n = (size_t)(e - f) + 1;
    check_room(L, to, (lua_Unsigned)t - 1, n);
    convert(L, to == b ? 1 : 5, (size_t)t - 1, 1, (size_t)f - 1, n);
  }
  lua_settop(L, 5);
  lua_pushvalue(L, to == b ? 1 : 5);
  return 1;
}

/* Pushes a copy of n elements of b, which is at index 1. */
static int push_copy(lua_State *L, const Buffer *b, size_t first, size_t n) {
  buffer_new(L, b->type, n);
  if (n == 0) return 1;
  if (n > b->length || first > b->length - n) return luaL_error(L, "%s", buffer_changed);
  convert(L, lua_gettop(L), 0, 1, first, n);
  return 1;
}

static int buffer_copy(lua_State *L) {
  Buffer *b = buffer_check(L, 1);
  return push_copy(L, b, 0, b->length);
}

static int buffer_sub(lua_State *L) {
  Buffer *b = buffer_check(L, 1);
  luaL_checkinteger(L, 2);
  size_t first, n = native_range(L, 2, b, &first);
  return push_copy(L, b, first, n);
}

static int buffer_view_method(lua_State *L) {
  Buffer *b = buffer_check(L, 1);
  size_t first, n = native_range(L, 2, b, &first);
  buffer_view(L, 1, n == 0 ? 0 : first, n);
  return 1;
}

static int buffer_bytes(lua_State *L) {
  Buffer *b = buffer_check(L, 1);
  size_t first, n = native_range(L, 2, b, &first);
  buffer_push_bytes(L, n == 0 ? NULL : address(b, first), n * buffer_item_sizes[b->type]);
  return 1;
}

static int buffer_totable(lua_State *L) {
  Buffer *b = buffer_check(L, 1);
  size_t first, n = native_range(L, 2, b, &first);
  lua_createtable(L, n > INT32_MAX ? 0 : (int)n, 0);
  for (size_t i = 0; i < n; i++) {
    if (first + i >= b->length) return luaL_error(L, "%s", buffer_changed);
    buffer_get(L, b, first + i);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}

static size_t check_length(lua_State *L, int i) {
  lua_Integer n = luaL_checkinteger(L, i);
  luaL_argcheck(L, n >= 0, i, "must not be negative");
  return (size_t)n;
}

static int buffer_resize_method(lua_State *L) {
  Buffer *b = buffer_check(L, 1);
  const char *why = buffer_resize(L, b, check_length(L, 2));
  if (why != NULL) return luaL_error(L, "cannot resize: %s", why);
  lua_settop(L, 1);
  return 1;
}

static int buffer_free_method(lua_State *L) {
  const char *why = buffer_free(L, object_check(L, 1, &buffer_type));
  return why == NULL ? 0 : luaL_error(L, "cannot free: %s", why);
}

/* A buffer that is pinned when its state closes is lost on purpose: native code uses it still. */
static int buffer_gc(lua_State *L) {
  Buffer *b = object_check(L, 1, &buffer_type);
  if (b->pins == 0) buffer_free(L, b);
  return 0;
}

static int buffer_eq(lua_State *L) {
  const Buffer *a = buffer_test(L, 1), *b = buffer_test(L, 2);
  lua_pushboolean(L, a != NULL && b != NULL && a->type == b->type && a->length == b->length && a->freed == b->freed &&
                         (a->length == 0 || memcmp(a->data, b->data, buffer_nbytes(a)) == 0));
  return 1;
}

static int buffer_tostring(lua_State *L) {
  const Buffer *b = object_check(L, 1, &buffer_type);
  if (b->freed) lua_pushfstring(L, "buffer %s (freed)", buffer_type_names[b->type]);
  else lua_pushfstring(L, "buffer %s[%I]: %p", buffer_type_names[b->type], (LUAI_UACINT)b->length, b->data);
  return 1;
}

static int buffer_next(lua_State *L) {
  const Buffer *b = object_check(L, 1, &buffer_type);
  lua_Integer i = luaL_checkinteger(L, 2);
  if (i < 0 || (size_t)i >= b->length) return 0;
  lua_pushinteger(L, i + 1);
  buffer_get(L, b, (size_t)i);
  return 2;
}

static int buffer_pairs(lua_State *L) {
  buffer_check(L, 1);
  lua_pushcfunction(L, buffer_next);
  lua_pushvalue(L, 1);
  lua_pushinteger(L, 0);
  return 3;
}

static const luaL_Reg buffer_methods[] = {
    {"assign", buffer_assign}, {"copy", buffer_copy}, {"fill", buffer_fill},           {"free", buffer_free_method},
    {"move", buffer_move},     {"sub", buffer_sub},   {"resize", buffer_resize_method}, {"tostring", buffer_bytes},
    {"totable", buffer_totable}, {"view", buffer_view_method}, {NULL, NULL},
};

static const luaL_Reg buffer_meta[] = {
    {"__close", buffer_free_method}, {"__eq", buffer_eq},       {"__gc", buffer_gc},
    {"__len", buffer_len},           {"__newindex", buffer_newindex}, {"__pairs", buffer_pairs},
    {"__tostring", buffer_tostring}, {NULL, NULL},
};

static const char *const buffer_fields[] = {"type", "itemsize", "nbytes", NULL};

const ObjectType buffer_type = {
    .name = "gilua.buffer", .size = sizeof(Buffer), .methods = buffer_methods, .meta = buffer_meta, .fields = buffer_fields};

int native_check_buffer_type(lua_State *L, int i) {
  const char *name = text_check(L, i);
  for (int k = 0; buffer_type_names[k] != NULL; k++)
    if (strcmp(name, buffer_type_names[k]) == 0) return k;
  return luaL_argerror(L, i, lua_pushfstring(L, "unknown type '%s': types are f64, f32, i64, i32 and u8", name));
}

/* native.buffer(type, n | string | table | buffer) */
static int new_buffer(lua_State *L) {
  object_check_last(L, 2);
  BufferType type = (BufferType)native_check_buffer_type(L, 1);
  const Buffer *from = buffer_test(L, 2);
  size_t n;
  if (from != NULL) n = buffer_check(L, 2)->length;
  else if (lua_type(L, 2) == LUA_TSTRING) n = lua_rawlen(L, 2) / buffer_item_sizes[type];
  else if (lua_istable(L, 2)) n = lua_rawlen(L, 2);
  else {
    luaL_argexpected(L, lua_type(L, 2) == LUA_TNUMBER, 2, "length, list, string or buffer");
    n = check_length(L, 2);
  }
  buffer_new(L, type, n);
  if (lua_type(L, 2) != LUA_TNUMBER) assign(L, lua_gettop(L), 0, 2);
  return 1;
}

void buffer_open(lua_State *L) {
  buffer_open_account(L);
  object_register(L, &buffer_type);
  luaL_getmetatable(L, buffer_type.name);
  lua_newtable(L);
  luaL_setfuncs(L, buffer_methods, 0);
  lua_pushcclosure(L, buffer_index, 1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}

void lib_buffer_add(lua_State *L) {
  buffer_open(L);
  lua_pushcfunction(L, new_buffer);
  lua_setfield(L, -2, "buffer");
}
