/* The objects that stand for C pointers.
 *
 *   p[i]  p[i] = v       element i, from 1; checked where the number of elements is known
 *   p.field              of a struct
 *   #p                   the number of elements, where it is known
 *   p + n  p - n  p - q  p == q  p < q
 */
#include "runtime/native/pointer.h"

#include "runtime/os/memory.h"

static Pointer *push_object(lua_State *L, const CType *type, size_t storage) {
  luaL_checkstack(L, 6, NULL);
  Pointer *p = lua_newuserdatauv(L, sizeof *p + storage, POINTER_KEEPS);
  *p = (Pointer){.head = {&pointer_type}, .type = type};
  ctype_push_self(L, type);
  lua_setiuservalue(L, -2, POINTER_TYPE);
  luaL_setmetatable(L, pointer_type.name);
  return p;
}

/* What malloc promises, which structs may need. */
#define ALIGNMENT ((uintptr_t)16)

Pointer *pointer_new(lua_State *L, const CType *type, size_t n) {
  if (type->size == 0) luaL_error(L, "this type has no size");
  if (n > (PTRDIFF_MAX - 1024) / type->size) luaL_error(L, "an array cannot be that long");
  size_t nbytes = n * type->size;
  /* room behind: libffi returns small structs by whole words */
  Pointer *p = push_object(L, type, nbytes + 2 * ALIGNMENT);
  p->address = (char *)(((uintptr_t)(p + 1) + ALIGNMENT - 1) & ~(ALIGNMENT - 1));
  p->count = n;
  os_zero(p->address, nbytes);
  return p;
}

void pointer_push(lua_State *L, const CType *type, void *address, size_t count, int owner) {
  if (address == NULL) {
    lua_pushnil(L);
    return;
  }
  if (owner != 0) owner = lua_absindex(L, owner);
  Pointer *p = push_object(L, type, 0);
  p->address = address;
  p->count = count;
  if (owner == 0) return;
  lua_pushvalue(L, owner);
  if (pointer_test(L, -1) != NULL) { /* who has the memory is enough: no chain of all pointers that led here */
    if (lua_getiuservalue(L, -1, POINTER_OWNER) == LUA_TNIL) lua_pop(L, 1);
    else lua_remove(L, -2);
  }
  lua_setiuservalue(L, -2, POINTER_OWNER);
}

static Pointer *check(lua_State *L, int i) { return object_check(L, i, &pointer_type); }

/* Finds what the key at index 2 names: its type and address. */
static const CType *locate(lua_State *L, const Pointer *p, char **address) {
  int ok;
  lua_Integer i = lua_tointegerx(L, 2, &ok);
  if (ok) {
    if (p->type->size == 0) luaL_error(L, "a void* has no elements: cast it first");
    if (i < 1 || (p->count != POINTER_UNKNOWN && (lua_Unsigned)i > p->count))
      luaL_error(L, "index %I is out of range", (LUAI_UACINT)i);
    *address = p->address + (size_t)(i - 1) * p->type->size;
    return p->type;
  }
  const CField *field = ctype_field(L, p->type, 2);
  if (field == NULL)
    luaL_error(L, "a %s* has no field '%s'", ctype_push_name(L, p->type), luaL_tolstring(L, 2, NULL));
  if (p->count == 0) luaL_error(L, "the array has no elements");
  *address = p->address + field->offset;
  return field->type;
}

static int pointer_index(lua_State *L) {
  const Pointer *p = check(L, 1);
  char *address;
  const CType *type = locate(L, p, &address);
  value_push(L, type, address, 1);
  return 1;
}

static int pointer_newindex(lua_State *L) {
  const Pointer *p = check(L, 1);
  char *address;
  const CType *type = locate(L, p, &address);
  const char *why = value_store(L, type, address, 3, 1);
  if (why != NULL) return luaL_error(L, "cannot store '%s': %s", luaL_tolstring(L, 2, NULL), why);
  return 0;
}

static int pointer_len(lua_State *L) {
  const Pointer *p = check(L, 1);
  if (p->count == POINTER_UNKNOWN) return luaL_error(L, "how many elements this pointer has is not known");
  lua_pushinteger(L, (lua_Integer)p->count);
  return 1;
}

static int pointer_tostring(lua_State *L) {
  const Pointer *p = check(L, 1);
  const char *name = ctype_push_name(L, p->type);
  if (p->count == POINTER_UNKNOWN) lua_pushfstring(L, "%s*: %p", name, p->address);
  else lua_pushfstring(L, "%s[%I]: %p", name, (LUAI_UACINT)p->count, p->address);
  return 1;
}

/* Pushes p moved by n elements; where the number of elements is known it must stay inside, or just behind the last. */
static int push_moved(lua_State *L, int i, lua_Integer n) {
  const Pointer *p = check(L, i);
  if (p->type->size == 0) return luaL_error(L, "a void* has no elements: cast it first");
  bool known = p->count != POINTER_UNKNOWN;
  if (known && (n < 0 ? 0 - (size_t)n > p->before : (size_t)n > p->count))
    return luaL_error(L, "the pointer would leave its array");
  pointer_push(L, p->type, p->address + (size_t)n * p->type->size, known ? p->count - (size_t)n : POINTER_UNKNOWN,
               i);
  if (known && lua_isuserdata(L, -1)) ((Pointer *)lua_touserdata(L, -1))->before = p->before + (size_t)n;
  return 1;
}

static int pointer_add(lua_State *L) {
  int i = pointer_test(L, 1) != NULL ? 1 : 2;
  return push_moved(L, i, luaL_checkinteger(L, 3 - i));
}

static int pointer_sub(lua_State *L) {
  const Pointer *p = check(L, 1), *q = pointer_test(L, 2);
  if (q == NULL) return push_moved(L, 1, (lua_Integer)(0 - (lua_Unsigned)luaL_checkinteger(L, 2)));
  if (p->type->size == 0 || !ctype_same(p->type, q->type)) return luaL_error(L, "pointers of different types");
  lua_pushinteger(L, (p->address - q->address) / (ptrdiff_t)p->type->size);
  return 1;
}

static int pointer_eq(lua_State *L) {
  const Pointer *p = pointer_test(L, 1), *q = pointer_test(L, 2);
  lua_pushboolean(L, p != NULL && q != NULL && p->address == q->address);
  return 1;
}

static int pointer_lt(lua_State *L) {
  lua_pushboolean(L, check(L, 1)->address < check(L, 2)->address);
  return 1;
}

static int pointer_le(lua_State *L) {
  lua_pushboolean(L, check(L, 1)->address <= check(L, 2)->address);
  return 1;
}

static int pointer_fields(lua_State *L) {
  const Pointer *p = check(L, 1);
  if (p->type->kind != C_STRUCT) return 0;
  ctype_push_self(L, p->type);
  lua_getiuservalue(L, -1, CTYPE_FIELDS);
  return 1;
}

static const luaL_Reg no_methods[] = {{NULL, NULL}};

static const luaL_Reg pointer_meta[] = {
    {"__add", pointer_add}, {"__eq", pointer_eq}, {"__len", pointer_len},
    {"__le", pointer_le},   {"__lt", pointer_lt}, {"__newindex", pointer_newindex},
    {"__sub", pointer_sub}, {"__tostring", pointer_tostring}, {OBJECT_FIELDS, pointer_fields}, {NULL, NULL},
};

const ObjectType pointer_type = {
    .name = "gilua.ctypes.pointer", .size = sizeof(Pointer), .methods = no_methods, .meta = pointer_meta};

void pointer_open(lua_State *L) {
  object_register(L, &pointer_type);
  luaL_getmetatable(L, pointer_type.name);
  lua_pushcfunction(L, pointer_index);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}
