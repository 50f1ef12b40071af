/* Making types: from names, from other types, from lists of fields. */
#include "runtime/native/ctype.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <wchar.h>

#include "runtime/state/text.h"
#include "runtime/state/weak.h"

#define SIGNED_KIND(T) (sizeof(T) == 8 ? C_I64 : sizeof(T) == 4 ? C_I32 : sizeof(T) == 2 ? C_I16 : C_I8)
#define KIND(T) ((T)-1 < (T)1 ? SIGNED_KIND(T) : (CKind)(SIGNED_KIND(T) + 1))

/* Names of the arithmetic types; "int" is left out where another word is there. */
static const struct {
  const char *name;
  CKind kind;
} names[] = {
    {"void", C_VOID}, {"bool", C_BOOL}, {"_Bool", C_BOOL}, {"char", C_CHAR}, {"float", C_FLOAT}, {"double", C_DOUBLE},
    {"long double", C_LONG_DOUBLE}, {"signed char", C_I8}, {"unsigned char", C_U8}, {"short", C_I16},
    {"short int", C_I16},
    {"signed short", C_I16}, {"unsigned short", C_U16}, {"unsigned short int", C_U16}, {"int", C_I32},
    {"signed", C_I32},
    {"signed int", C_I32}, {"unsigned", C_U32}, {"unsigned int", C_U32}, {"long", KIND(long)}, {"long int", KIND(long)},
    {"signed long", KIND(long)}, {"unsigned long", KIND(unsigned long)}, {"unsigned long int", KIND(unsigned long)},
    {"long long", C_I64}, {"long long int", C_I64}, {"signed long long", C_I64}, {"unsigned long long", C_U64},
    {"unsigned long long int", C_U64}, {"signed long int", KIND(long)}, {"signed long long int", C_I64},
    {"signed short int", C_I16}, {"long unsigned int", KIND(unsigned long)}, {"long unsigned", KIND(unsigned long)},
    {"short unsigned int", C_U16}, {"long long unsigned int", C_U64}, {"int8_t", C_I8}, {"uint8_t", C_U8},
    {"int16_t", C_I16}, {"uint16_t", C_U16},
    {"int32_t", C_I32}, {"uint32_t", C_U32}, {"int64_t", C_I64}, {"uint64_t", C_U64}, {"size_t", KIND(size_t)},
    {"ssize_t", KIND(ssize_t)}, {"intptr_t", KIND(intptr_t)}, {"uintptr_t", KIND(uintptr_t)},
    {"ptrdiff_t", KIND(ptrdiff_t)}, {"wchar_t", KIND(wchar_t)}, {"off_t", KIND(off_t)}, {"time_t", KIND(time_t)},
    {"pid_t", KIND(pid_t)}, {"buffer", C_BUFFER}, {"f64", C_DOUBLE}, {"f32", C_FLOAT}, {"i64", C_I64}, {"i32", C_I32},
    {"u8", C_U8},
};

static const struct {
  size_t size, align;
  ffi_type *ffi;
} basics[] = {
    [C_VOID] = {0, 1, &ffi_type_void},
    [C_BOOL] = {sizeof(bool), _Alignof(bool), &ffi_type_uint8},
    [C_CHAR] = {1, 1, &ffi_type_schar},
    [C_I8] = {1, 1, &ffi_type_sint8},
    [C_U8] = {1, 1, &ffi_type_uint8},
    [C_I16] = {2, _Alignof(int16_t), &ffi_type_sint16},
    [C_U16] = {2, _Alignof(int16_t), &ffi_type_uint16},
    [C_I32] = {4, _Alignof(int32_t), &ffi_type_sint32},
    [C_U32] = {4, _Alignof(int32_t), &ffi_type_uint32},
    [C_I64] = {8, _Alignof(int64_t), &ffi_type_sint64},
    [C_U64] = {8, _Alignof(int64_t), &ffi_type_uint64},
    [C_FLOAT] = {sizeof(float), _Alignof(float), &ffi_type_float},
    [C_DOUBLE] = {sizeof(double), _Alignof(double), &ffi_type_double},
    [C_LONG_DOUBLE] = {sizeof(long double), _Alignof(long double), &ffi_type_longdouble},
    [C_POINTER] = {sizeof(void *), _Alignof(void *), &ffi_type_pointer},
    [C_BUFFER] = {sizeof(void *), _Alignof(void *), &ffi_type_pointer},
};

static const char types_key; /* in the registry, weakly: {name = type}; at ctype_type {light userdata of a type = type} */

/* Pushes a type of that kind with the name on top of the stack, which it pops. */
static CType *push_type(lua_State *L, CKind kind) {
  CType *type = object_new(L, &ctype_type, CTYPE_VALUES);
  type->kind = kind;
  if (kind < C_STRUCT) {
    type->size = basics[kind].size;
    type->align = basics[kind].align;
    type->ffi = basics[kind].ffi;
  }
  lua_insert(L, -2);
  lua_setiuservalue(L, -2, CTYPE_NAME);
  lua_newtable(L);
  lua_setiuservalue(L, -2, CTYPE_KEEPS);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &ctype_type);
  lua_pushvalue(L, -2);
  lua_rawsetp(L, -2, type);
  lua_pop(L, 1);
  return type;
}

/* The type at the top keeps the value at index i. */
static void keep(lua_State *L, int i) {
  i = lua_absindex(L, i);
  lua_getiuservalue(L, -1, CTYPE_KEEPS);
  lua_pushvalue(L, i);
  lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
  lua_pop(L, 1);
}

void ctype_push_self(lua_State *L, const CType *type) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &ctype_type);
  lua_rawgetp(L, -1, type);
  lua_remove(L, -2);
}

const char *ctype_push_name(lua_State *L, const CType *type) {
  ctype_push_self(L, type);
  lua_getiuservalue(L, -1, CTYPE_NAME);
  lua_remove(L, -2);
  return lua_tostring(L, -1);
}

bool ctype_same(const CType *a, const CType *b) {
  for (;; a = a->element, b = b->element) {
    if (a == b) return true;
    if (a->kind != b->kind || a->kind == C_STRUCT) return false;
    if (a->kind == C_ARRAY && a->count != b->count) return false;
    if (a->element == NULL) return true;
  }
}

const CType *ctype_push_pointer(lua_State *L, int i) {
  i = lua_absindex(L, i);
  const CType *element = object_check(L, i, &ctype_type);
  lua_getiuservalue(L, i, CTYPE_NAME);
  lua_pushfstring(L, "%s*", lua_tostring(L, -1));
  lua_remove(L, -2);
  CType *type = push_type(L, C_POINTER);
  type->element = element;
  type->has_pointers = true;
  keep(L, i);
  return type;
}

static void check_depth(lua_State *L, const CType *part) {
  if (part->depth >= CTYPE_DEEPEST) luaL_error(L, "structs and arrays are nested more than %d deep", CTYPE_DEEPEST);
}

const CType *ctype_push_array(lua_State *L, int i, size_t n) {
  i = lua_absindex(L, i);
  const CType *element = object_check(L, i, &ctype_type);
  if (element->size == 0) luaL_error(L, "an array needs elements that have a size");
  if (n > PTRDIFF_MAX / element->size) luaL_error(L, "an array cannot be that long");
  check_depth(L, element);
  lua_getiuservalue(L, i, CTYPE_NAME);
  lua_pushfstring(L, "%s[%I]", lua_tostring(L, -1), (LUAI_UACINT)n);
  lua_remove(L, -2);
  CType *type = push_type(L, C_ARRAY);
  type->element = element;
  type->count = n;
  type->size = n * element->size;
  type->align = element->align;
  type->has_pointers = element->has_pointers;
  type->depth = element->depth + 1;
  keep(L, i);
  return type;
}

/* Copies the words of a type's name to out, one blank between them and without qualifiers; returns what follows. */
static const char *read_words(const char *s, char *out, size_t size) {
  size_t n = 0;
  for (;;) {
    while (isspace((unsigned char)*s)) s++;
    size_t len = 0;
    while (isalnum((unsigned char)s[len]) || s[len] == '_') len++;
    if (len == 0) break;
    bool skip = (len == 5 && memcmp(s, "const", 5) == 0) || (len == 8 && memcmp(s, "volatile", 8) == 0);
    if (!skip && n + len + 2 < size) {
      if (n > 0) out[n++] = ' ';
      memcpy(out + n, s, len);
      n += len;
    }
    s += len;
  }
  out[n] = '\0';
  return s;
}

static int find_kind(const char *name) {
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (strcmp(names[i].name, name) == 0) return (int)names[i].kind;
  return -1;
}

/* Makes the type on top of the stack the element of arrays, if s is "[n][m]…": the last index is that of the
 * innermost. */
static bool parse_arrays(lua_State *L, const char *s) {
  enum { MOST = 8 };
  size_t dimensions[MOST], n = 0;
  for (char *end; *s == '['; s = end + 1) {
    if (n == MOST || !isdigit((unsigned char)s[1])) return false;
    dimensions[n++] = strtoull(s + 1, &end, 10);
    if (*end != ']') return false;
  }
  if (*s != '\0') return false;
  while (n-- > 0) {
    ctype_push_array(L, -1, dimensions[n]);
    lua_remove(L, -2);
  }
  return true;
}

/* Pushes the type that text names, or nil. */
static void parse(lua_State *L, const char *text) {
  char words[64];
  const char *s = read_words(text, words, sizeof words);
  int kind = find_kind(words);
  if (kind < 0) {
    lua_pushnil(L);
    return;
  }
  lua_pushstring(L, words);
  push_type(L, (CKind)kind);
  while (*s == '*') {
    ctype_push_pointer(L, -1);
    lua_remove(L, -2);
    s = read_words(s + 1, words, sizeof words); /* a const behind the star */
    if (words[0] != '\0') break;
  }
  if (parse_arrays(L, s)) return;
  lua_pop(L, 1);
  lua_pushnil(L);
}

/* Pushes what to say of a type that is not known: what no value of Lua is, or what this C library has no way to pass. */
static const char *unknown(lua_State *L, const char *name) {
  static const char *const words[] = {"complex", "_Complex", "__int128", "_Float16", "_Float128", "__float128",
                                      "_Decimal32", "_Decimal64", "_Decimal128", "_BitInt", "va_list"};
  char text[256];
  const char *rest = read_words(name, text, sizeof text);
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
    const char *at = strstr(text, words[i]);
    if (at == NULL) continue;
    return lua_pushfstring(L, "C type '%s': %s is not supported: write a C function that takes or gives it in parts", name, words[i]);
  }
  if (strncmp(text, "struct ", 7) == 0 || strncmp(text, "union ", 6) == 0 || strncmp(text, "enum ", 5) == 0)
    return lua_pushfstring(L, "unknown C type '%s': give the type that ctypes.struct or ctypes.union made; an enum is an int%s", name,
                           *rest == '*' ? "; a pointer to one that is not known is a void*" : "");
  return lua_pushfstring(L, "unknown C type '%s': structs are made by ctypes.struct, a typedef must be written out", name);
}

const CType *ctype_check(lua_State *L, int i) { return ctype_check_in(L, i, lua_absindex(L, i), ""); }

const CType *ctype_check_in(lua_State *L, int i, int arg, const char *where) {
  i = lua_absindex(L, i);
  luaL_checkstack(L, 8, NULL);
  CType *type = object_test(L, i, &ctype_type);
  if (type != NULL) {
    lua_pushvalue(L, i);
    return type;
  }
  if (lua_type(L, i) != LUA_TSTRING)
    luaL_argerror(L, arg, lua_pushfstring(L, "%sC type or its name expected, got %s", where, luaL_typename(L, i)));
  lua_rawgetp(L, LUA_REGISTRYINDEX, &types_key);
  lua_pushvalue(L, i);
  if (lua_rawget(L, -2) == LUA_TNIL) {
    lua_pop(L, 1);
    const char *name = text_whole(L, i);
    if (name != NULL) parse(L, name);
    if (name == NULL || lua_isnil(L, -1))
      luaL_argerror(L, arg, lua_pushfstring(L, "%s%s", where, unknown(L, lua_tostring(L, i))));
    lua_pushvalue(L, i);
    lua_pushvalue(L, -2);
    lua_rawset(L, -4);
  }
  lua_remove(L, -2);
  return lua_touserdata(L, -1);
}

/* How many values libffi must be told of for a field: the elements of arrays count one by one. */
static size_t flat_count(const CType *type) {
  return type->kind == C_ARRAY ? type->count * flat_count(type->element) : 1;
}

static ffi_type **flatten(const CType *type, ffi_type **to) {
  if (type->kind == C_ARRAY) {
    for (size_t i = 0; i < type->count; i++) to = flatten(type->element, to);
    return to;
  }
  *to = type->ffi;
  return to + 1;
}

/* Most values that a struct passed by value may have; a bigger one is passed by pointer. */
#define MAX_FLAT 256

/* Makes the description of the struct on top of the stack for libffi, unless it has parts that cannot be passed. */
static void describe(lua_State *L, CType *type) {
  size_t n = 0;
  for (size_t i = 0; i < type->count; i++) {
    const CType *part = type->fields[i].type;
    while (part->kind == C_ARRAY) part = part->element;
    if (part->ffi == NULL) return;
    n += flat_count(type->fields[i].type);
    if (n > MAX_FLAT) return;
  }
  ffi_type **elements = lua_newuserdatauv(L, (n + 1) * sizeof *elements, 0);
  lua_insert(L, -2);
  keep(L, -2);
  lua_remove(L, -2);
  type->own.elements = elements;
  for (size_t i = 0; i < type->count; i++) elements = flatten(type->fields[i].type, elements);
  *elements = NULL;
  type->own.type = FFI_TYPE_STRUCT;
  type->own.size = type->size;
  type->own.alignment = (unsigned short)type->align;
  type->ffi = &type->own;
}

/* Places field number n (from 0) of the struct on top of the stack: {name, type} is at index entry, in the argument arg. */
static void place_field(lua_State *L, CType *type, size_t n, int entry, int arg) {
  int self = lua_gettop(L);
  if (lua_rawgeti(L, entry, 1) != LUA_TSTRING) luaL_error(L, "field %d has no name", (int)n + 1);
  int given = lua_rawgeti(L, entry, 2);
  if (given != LUA_TSTRING && object_test(L, -1, &ctype_type) == NULL)
    luaL_error(L, "field '%s' has no type", lua_tostring(L, self + 1));
  if (lua_rawlen(L, entry) > 2)
    luaL_error(L, "field '%s' has more than a name and a type: bit fields go by the integer that they are part of",
               lua_tostring(L, self + 1));
  const CType *of = ctype_check_in(L, self + 2, arg, lua_pushfstring(L, "field '%s': ", lua_tostring(L, self + 1)));
  if (of->size == 0 || of->kind == C_BUFFER)
    luaL_error(L, "field '%s' cannot be of this type: a %s has no size there", lua_tostring(L, self + 1),
               ctype_push_name(L, of));
  size_t at = type->is_union ? 0 : (type->size + of->align - 1) / of->align * of->align;
  type->fields[n] = (CField){of, at};
  if (at + of->size > type->size) type->size = at + of->size;
  if (of->align > type->align) type->align = of->align;
  type->has_pointers = type->has_pointers || of->has_pointers;
  check_depth(L, of);
  if (of->depth >= type->depth) type->depth = of->depth + 1;
  lua_pushvalue(L, self);
  keep(L, -2);
  lua_getiuservalue(L, self, CTYPE_FIELDS);
  lua_pushvalue(L, self + 1);
  if (lua_rawget(L, -2) != LUA_TNIL) luaL_error(L, "two fields are named '%s'", lua_tostring(L, self + 1));
  lua_pop(L, 1);
  lua_pushvalue(L, self + 1);
  lua_pushinteger(L, (lua_Integer)n + 1);
  lua_rawset(L, -3);
  lua_settop(L, self);
}

/* The only option is the name: what is passed over ("pack") would give another layout than was meant. */
static void check_keys(lua_State *L, int i, const char *what) {
  for (lua_pushnil(L); lua_next(L, i) != 0; lua_pop(L, 1))
    if (!lua_isinteger(L, -2) && !text_is(L, -2, "name"))
      luaL_error(L, "%s: unknown option '%s' (only name is one)", what, luaL_tolstring(L, -2, NULL));
}

const CType *ctype_push_struct(lua_State *L, int i, bool is_union) {
  i = lua_absindex(L, i);
  luaL_checktype(L, i, LUA_TTABLE);
  size_t n = lua_rawlen(L, i);
  luaL_argcheck(L, n > 0, i, "has no fields");
  check_keys(L, i, is_union ? "union" : "struct");
  if (lua_getfield(L, i, "name") != LUA_TSTRING) {
    lua_pop(L, 1);
    lua_pushstring(L, is_union ? "union" : "struct");
  }
  CType *type = push_type(L, C_STRUCT);
  type->align = 1;
  type->is_union = is_union;
  type->fields = lua_newuserdatauv(L, n * sizeof(CField), 0);
  memset(type->fields, 0, n * sizeof(CField));
  lua_insert(L, -2);
  keep(L, -2);
  lua_remove(L, -2);
  lua_newtable(L);
  lua_setiuservalue(L, -2, CTYPE_FIELDS);
  for (; type->count < n; type->count++) {
    if (lua_rawgeti(L, i, (lua_Integer)type->count + 1) != LUA_TTABLE)
      luaL_error(L, "field %d is no {name, type}", (int)type->count + 1);
    lua_insert(L, -2);
    place_field(L, type, type->count, lua_gettop(L) - 1, i);
    lua_remove(L, -2);
  }
  type->size = (type->size + type->align - 1) / type->align * type->align;
  if (!is_union) describe(L, type);
  return type;
}

const CField *ctype_field(lua_State *L, const CType *type, int key) {
  if (type->kind != C_STRUCT || lua_type(L, key) != LUA_TSTRING) return NULL;
  key = lua_absindex(L, key);
  ctype_push_self(L, type);
  lua_getiuservalue(L, -1, CTYPE_FIELDS);
  lua_pushvalue(L, key);
  lua_rawget(L, -2);
  lua_Integer n = lua_tointeger(L, -1);
  lua_pop(L, 3);
  return n == 0 ? NULL : &type->fields[n - 1];
}

void ctype_open(lua_State *L) {
  weak_new(L, "v");
  lua_rawsetp(L, LUA_REGISTRYINDEX, &types_key);
  weak_new(L, "v");
  lua_rawsetp(L, LUA_REGISTRYINDEX, &ctype_type);
  object_register(L, &ctype_type);
}
