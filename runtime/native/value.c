/* Values between Lua and C memory. */
#include <string.h>

#include "runtime/native/callback.h"
#include "runtime/native/keeps.h"
#include "runtime/native/pointer.h"
#include "runtime/state/options.h"

/* A value in memory of C, which may stand anywhere: pointers are cast, and moved by a byte. */
#define AT(address, type) (((struct { type value; } __attribute__((packed, may_alias)) *)(address))->value)

static const char *mismatch(lua_State *L, const CType *type, int v) {
  v = lua_absindex(L, v);
  const Pointer *p = pointer_test(L, v);
  const char *got = p != NULL ? lua_pushfstring(L, "%s*", ctype_push_name(L, p->type)) : luaL_typename(L, v);
  return lua_pushfstring(L, "%s expected, got %s", ctype_push_name(L, type), got);
}

static const struct {
  lua_Integer low, high;
} ranges[] = {
    [C_CHAR] = {-128, 255}, [C_I8] = {INT8_MIN, INT8_MAX},    [C_U8] = {0, UINT8_MAX},
    [C_I16] = {INT16_MIN, INT16_MAX},
    [C_U16] = {0, UINT16_MAX}, [C_I32] = {INT32_MIN, INT32_MAX}, [C_U32] = {0, UINT32_MAX},
    [C_I64] = {INT64_MIN, INT64_MAX},
    [C_U64] = {INT64_MIN, INT64_MAX}, /* the upper half is negative in Lua */
};

static const char *store_integer(lua_State *L, const CType *type, void *address, int v) {
  int ok = 0;
  lua_Integer n;
  if (lua_type(L, v) == LUA_TNUMBER) {
    n = lua_tointegerx(L, v, &ok);
    if (!ok) return lua_pushfstring(L, "the number %s has no integer representation", luaL_tolstring(L, v, NULL));
  } else if (type->kind == C_CHAR && lua_type(L, v) == LUA_TSTRING && lua_rawlen(L, v) == 1) {
    n = *lua_tostring(L, v);
  } else {
    return mismatch(L, type, v);
  }
  if (n < ranges[type->kind].low || n > ranges[type->kind].high)
    return lua_pushfstring(L, "%I is out of the range of %s", (LUAI_UACINT)n, ctype_push_name(L, type));
  switch (type->size) {
    case 1: AT(address, uint8_t) = (uint8_t)n; break;
    case 2: AT(address, uint16_t) = (uint16_t)n; break;
    case 4: AT(address, uint32_t) = (uint32_t)n; break;
    default: AT(address, uint64_t) = (uint64_t)n; break;
  }
  return NULL;
}

static const char *store_real(lua_State *L, const CType *type, void *address, int v) {
  if (lua_type(L, v) != LUA_TNUMBER) return mismatch(L, type, v);
  lua_Number x = lua_tonumber(L, v);
  if (type->kind == C_DOUBLE) AT(address, double) = x;
  else if (type->kind == C_FLOAT) AT(address, float) = (float)x;
  else AT(address, long double) = (long double)x;
  return NULL;
}

static const BufferType no_buffer = BUFFER_TYPES;

static BufferType buffer_type_of(const CType *type) {
  switch (type->kind) {
    case C_DOUBLE: return BUFFER_F64;
    case C_FLOAT: return BUFFER_F32;
    case C_I64: case C_U64: return BUFFER_I64;
    case C_I32: case C_U32: return BUFFER_I32;
    case C_CHAR: case C_I8: case C_U8: return BUFFER_U8;
    default: return no_buffer;
  }
}

static bool is_bytes(const CType *type) { return type->kind == C_VOID || type->size == 1; }

/* A string where bytes are expected: C must not write there. */
static const char *string_address(lua_State *L, const CType *type, int v, void **address) {
  size_t len;
  const char *s = lua_tolstring(L, v, &len);
  if (type->element->kind == C_CHAR && memchr(s, '\0', len) != NULL)
    return "the string contains zeros, which would end it in C";
  *address = (void *)s;
  return NULL;
}

const char *value_address(lua_State *L, const CType *type, int v, void **address, Buffer **buffer) {
  const CType *element = type->element; /* NULL: the parameter is a buffer */
  switch (lua_type(L, v)) {
    case LUA_TNIL: *address = NULL; return NULL;
    case LUA_TLIGHTUSERDATA: *address = lua_touserdata(L, v); return NULL;
    case LUA_TSTRING:
      if (element == NULL || !is_bytes(element)) break;
      return string_address(L, type, v, address);
    case LUA_TUSERDATA: {
      const Pointer *p = pointer_test(L, v);
      if (p != NULL && element != NULL) {
        bool bytes = element->size == 1 && p->type->size == 1;
        if (element->kind != C_VOID && p->type->kind != C_VOID && !bytes && !ctype_same(element, p->type)) break;
        *address = p->address;
        return NULL;
      }
      const Callback *callback = object_test(L, v, &callback_type);
      if (callback != NULL && element != NULL && element->kind == C_VOID) {
        if (callback->code == NULL) return "the callback was freed";
        *address = callback->code;
        return NULL;
      }
      Buffer *b = buffer_test(L, v);
      if (b == NULL || (element != NULL && element->kind != C_VOID && buffer_type_of(element) != b->type)) break;
      if (b->freed) return "the buffer was freed";
      *address = b->data;
      *buffer = b;
      return NULL;
    }
    default: break;
  }
  return mismatch(L, type, v);
}

static const char *store_pointer(lua_State *L, const CType *type, void *address, int v, int owner) {
  void *target = NULL;
  Buffer *buffer = NULL;
  const char *why = value_address(L, type, v, &target, &buffer);
  if (why != NULL) return why;
  if (buffer != NULL) return "a buffer may move: store ctypes.cast(type, buffer), which pins it";
  keeps_put(L, owner, address, v);
  memcpy(address, &target, sizeof target);
  return NULL;
}

/* From a table by names or by position. */
static const char *store_struct(lua_State *L, const CType *type, char *address, int v, int owner) {
  const Pointer *p = pointer_test(L, v);
  if (p != NULL && ctype_same(p->type, type) && p->count > 0) {
    keeps_move(L, owner, address, v, p->address, type->size);
    return NULL;
  }
  if (!lua_istable(L, v)) return mismatch(L, type, v);
  for (size_t i = 0; i < lua_rawlen(L, v); i++) {
    if (i >= type->count) return "more values than fields";
    lua_rawgeti(L, v, (lua_Integer)i + 1);
    const char *why = value_store(L, type->fields[i].type, address + type->fields[i].offset, lua_gettop(L), owner);
    if (why != NULL) return why;
    lua_pop(L, 1);
  }
  for (lua_pushnil(L); lua_next(L, v) != 0; lua_pop(L, 1)) {
    if (lua_isinteger(L, -2) && (lua_Unsigned)lua_tointeger(L, -2) - 1 < lua_rawlen(L, v)) continue;
    if (lua_type(L, -2) != LUA_TSTRING) return lua_pushfstring(L, "no field %s", luaL_tolstring(L, -2, NULL));
    const CField *field = ctype_field(L, type, -2);
    if (field == NULL) return lua_pushfstring(L, "no field '%s'", lua_tostring(L, -2));
    const char *why = value_store(L, field->type, address + field->offset, lua_gettop(L), owner);
    if (why != NULL) return why;
  }
  return NULL;
}

static const char *store_array(lua_State *L, const CType *type, char *address, int v, int owner) {
  const Pointer *p = pointer_test(L, v);
  if (p != NULL && p->count >= type->count && ctype_same(p->type, type->element)) {
    keeps_move(L, owner, address, v, p->address, type->size);
    return NULL;
  }
  if (type->element->size == 1 && lua_type(L, v) == LUA_TSTRING) {
    size_t len;
    const char *s = lua_tolstring(L, v, &len);
    if (len > type->count) return "the string is too long";
    memcpy(address, s, len);
    memset(address + len, 0, type->count - len);
    return NULL;
  }
  if (!lua_istable(L, v)) return mismatch(L, type, v);
  const char *wrong = options_no_list(L, v, LIST_RAW);
  if (wrong != NULL) return wrong;
  size_t n = lua_rawlen(L, v);
  if (n > type->count) return "more values than elements";
  for (size_t i = 0; i < n; i++) {
    lua_rawgeti(L, v, (lua_Integer)i + 1);
    const char *why = value_store(L, type->element, address + i * type->element->size, lua_gettop(L), owner);
    if (why != NULL) return why;
    lua_pop(L, 1);
  }
  return NULL;
}

const char *value_store(lua_State *L, const CType *type, void *address, int v, int owner) {
  switch (type->kind) {
    case C_BOOL:
      if (!lua_isboolean(L, v) && lua_type(L, v) != LUA_TNUMBER) return mismatch(L, type, v);
      *(bool *)address = lua_isboolean(L, v) ? lua_toboolean(L, v) : lua_tonumber(L, v) != 0;
      return NULL;
    case C_FLOAT: case C_DOUBLE: case C_LONG_DOUBLE: return store_real(L, type, address, v);
    case C_POINTER: return store_pointer(L, type, address, v, owner);
    case C_STRUCT: luaL_checkstack(L, 10, "structs nested too deeply"); return store_struct(L, type, address, v, owner);
    case C_ARRAY: luaL_checkstack(L, 10, "arrays nested too deeply"); return store_array(L, type, address, v, owner);
    case C_VOID: case C_BUFFER: return "this type has no values";
    default: return store_integer(L, type, address, v);
  }
}

/* A pointer that was stored by Lua keeps what the memory keeps for it. */
static void push_pointer(lua_State *L, const CType *type, void *address, int owner) {
  void *target;
  memcpy(&target, address, sizeof target);
  if (target != NULL && type->element->kind == C_CHAR) {
    buffer_push_bytes(L, target, strlen(target));
    return;
  }
  keeps_push(L, owner, address);
  pointer_push(L, type->element, target, POINTER_UNKNOWN, lua_isnil(L, -1) ? 0 : -1);
  lua_remove(L, -2);
}

void value_push(lua_State *L, const CType *type, void *address, int owner) {
  switch (type->kind) {
    case C_BOOL: lua_pushboolean(L, *(uint8_t *)address != 0); break;
    case C_CHAR: lua_pushinteger(L, AT(address, char)); break;
    case C_I8: lua_pushinteger(L, AT(address, int8_t)); break;
    case C_U8: lua_pushinteger(L, AT(address, uint8_t)); break;
    case C_I16: lua_pushinteger(L, AT(address, int16_t)); break;
    case C_U16: lua_pushinteger(L, AT(address, uint16_t)); break;
    case C_I32: lua_pushinteger(L, AT(address, int32_t)); break;
    case C_U32: lua_pushinteger(L, AT(address, uint32_t)); break;
    case C_I64: lua_pushinteger(L, AT(address, int64_t)); break;
    case C_U64: lua_pushinteger(L, (lua_Integer)AT(address, uint64_t)); break;
    case C_FLOAT: lua_pushnumber(L, (lua_Number)AT(address, float)); break;
    case C_DOUBLE: lua_pushnumber(L, AT(address, double)); break;
    case C_LONG_DOUBLE: lua_pushnumber(L, (lua_Number)AT(address, long double)); break;
    case C_POINTER: push_pointer(L, type, address, owner); break;
    case C_STRUCT: pointer_push(L, type, address, 1, owner); break;
    case C_ARRAY: pointer_push(L, type->element, address, type->count, owner); break;
    default: lua_pushnil(L); break;
  }
}
