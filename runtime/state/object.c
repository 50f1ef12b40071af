/* Making objects and their metatables. */
#include "runtime/state/object.h"

#include <assert.h>
#include <string.h>

#include "runtime/state/text.h"

/* What the names of all types begin with. */
#define PREFIX "gilua."

void *object_new(lua_State *L, const ObjectType *type, int nvalues) {
  ObjectHead *head = lua_newuserdatauv(L, type->size, nvalues);
  memset(head, 0, type->size);
  head->type = type;
  object_push_metatable(L, type);
  lua_setmetatable(L, -2);
  return head;
}

void object_check_callable(lua_State *L, int i) {
  if (lua_isfunction(L, i)) return;
  luaL_argexpected(L, luaL_getmetafield(L, i, "__call") != LUA_TNIL, i, "function");
  lua_pop(L, 1);
}

void object_check_last(lua_State *L, int n) {
  for (int i = n + 1; i <= lua_gettop(L); i++) luaL_argcheck(L, lua_isnil(L, i), i, "no value expected");
}

int object_refuse(lua_State *L, const char *field, const char *expected) {
  bool is_number = lua_type(L, 3) == LUA_TNUMBER && strcmp(expected, "integer") == 0; /* of the wrong kind, or too large */
  return luaL_error(L, "bad value for field '%s' (%s expected, got %s)", field, expected,
                    is_number ? luaL_tolstring(L, 3, NULL) : luaL_typename(L, 3));
}

bool object_flag(lua_State *L, const char *field) {
  if (!lua_isboolean(L, 3)) object_refuse(L, field, "boolean");
  return lua_toboolean(L, 3);
}

/* __index of a type with fields; upvalues: methods, type */
static int index_field(lua_State *L) {
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) return 1;
  const ObjectType *type = lua_touserdata(L, lua_upvalueindex(2));
  void *object = object_check(L, 1, type);
  const char *field = text_whole(L, 2);
  return field != NULL && type->get(L, object, field) ? 1 : 0;
}

/* __newindex of a type with fields; upvalue: type */
static int set_field(lua_State *L) {
  const ObjectType *type = lua_touserdata(L, lua_upvalueindex(1));
  void *object = object_check(L, 1, type);
  const char *field = text_whole(L, 2);
  if (field != NULL && type->set != NULL && type->set(L, object, field)) return 0;
  return luaL_error(L, "a %s has no field '%s' that can be set", type->name, luaL_tolstring(L, 2, NULL));
}

/* __tostring of a type that describes itself, "Lock(unlocked): 0x…"; upvalue: type */
static int describe_object(lua_State *L) {
  const ObjectType *type = lua_touserdata(L, lua_upvalueindex(1));
  void *object = object_check(L, 1, type);
  luaL_checkstack(L, 8, NULL);
  lua_settop(L, 1);
  type->describe(L, object);
  lua_pushfstring(L, "%s(%s): %p", type->name + sizeof PREFIX - 1, lua_tostring(L, -1), object);
  return 1;
}

/* OBJECT_FIELDS of a type with a list of them; upvalue: type */
static int list_fields(lua_State *L) {
  const ObjectType *type = lua_touserdata(L, lua_upvalueindex(1));
  lua_newtable(L);
  for (const char *const *field = type->fields; *field != NULL; field++) {
    lua_pushboolean(L, 1);
    lua_setfield(L, -2, *field);
  }
  return 1;
}

static void set_closure(lua_State *L, const char *key, lua_CFunction f, const ObjectType *type) {
  lua_pushlightuserdata(L, (void *)type);
  lua_pushcclosure(L, f, 1);
  lua_setfield(L, -2, key);
}

static void push_index(lua_State *L, const ObjectType *type) {
  lua_newtable(L);
  luaL_setfuncs(L, type->methods, 0);
  if (type->get == NULL) return;
  lua_pushlightuserdata(L, (void *)type);
  lua_pushcclosure(L, index_field, 2);
}

/* Known by its name only when it is whole: a memory error or another thread's collector may come between. */
static void make_metatable(lua_State *L, const ObjectType *type) {
  luaL_checkstack(L, 6, NULL);
  assert(type->get == NULL || type->fields != NULL);
  lua_newtable(L);
  lua_pushstring(L, type->name);
  lua_setfield(L, -2, "__name");
  push_index(L, type);
  lua_setfield(L, -2, "__index");
  set_closure(L, "__newindex", set_field, type);
  if (type->describe != NULL) set_closure(L, "__tostring", describe_object, type);
  if (type->fields != NULL) set_closure(L, OBJECT_FIELDS, list_fields, type);
  lua_pushstring(L, type->name);
  lua_setfield(L, -2, "__metatable");
  if (type->meta != NULL) luaL_setfuncs(L, type->meta, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, LUA_REGISTRYINDEX, type->name);
}

void object_push_metatable(lua_State *L, const ObjectType *type) {
  if (luaL_getmetatable(L, type->name) == LUA_TTABLE) return;
  lua_pop(L, 1);
  make_metatable(L, type);
}

void object_register(lua_State *L, const ObjectType *type) {
  object_push_metatable(L, type);
  lua_pop(L, 1);
}

/* Pushes the field of the metatable of the value at index i, or pushes nothing. */
static bool push_meta(lua_State *L, int i, const char *key) {
  if (!lua_getmetatable(L, i)) return false;
  lua_pushstring(L, key);
  lua_rawget(L, -2);
  lua_remove(L, -2);
  return true;
}

bool object_is_ours(lua_State *L, int i) {
  i = lua_absindex(L, i);
  if (!push_meta(L, i, "__name")) return false;
  bool ours = lua_type(L, -1) == LUA_TSTRING && strncmp(lua_tostring(L, -1), PREFIX, sizeof PREFIX - 1) == 0;
  lua_pop(L, 1);
  if (!ours || !push_meta(L, i, "__index")) return false;
  ours = lua_iscfunction(L, -1);
  lua_pop(L, 1);
  return ours;
}

void object_push_fields(lua_State *L, int i) {
  i = lua_absindex(L, i);
  luaL_checkstack(L, 8, NULL);
  if (!object_is_ours(L, i)) {
    lua_pushnil(L);
    return;
  }
  push_meta(L, i, OBJECT_FIELDS);
  if (lua_isnil(L, -1)) return;
  lua_pushvalue(L, i);
  lua_call(L, 1, 1);
}
