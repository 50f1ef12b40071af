/* Making objects and their metatables. */
#include "runtime/state/object.h"

#include <string.h>

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

/* __index of a type with fields; upvalues: methods, type */
static int index_field(lua_State *L) {
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) return 1;
  const ObjectType *type = lua_touserdata(L, lua_upvalueindex(2));
  void *object = object_check(L, 1, type);
  return lua_type(L, 2) == LUA_TSTRING && type->get(L, object, lua_tostring(L, 2)) ? 1 : 0;
}

/* __newindex of a type with fields; upvalue: type */
static int set_field(lua_State *L) {
  const ObjectType *type = lua_touserdata(L, lua_upvalueindex(1));
  void *object = object_check(L, 1, type);
  if (lua_type(L, 2) == LUA_TSTRING && type->set != NULL && type->set(L, object, lua_tostring(L, 2))) return 0;
  return luaL_error(L, "a %s has no field '%s' that can be set", type->name, luaL_tolstring(L, 2, NULL));
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
  lua_newtable(L);
  lua_pushstring(L, type->name);
  lua_setfield(L, -2, "__name");
  push_index(L, type);
  lua_setfield(L, -2, "__index");
  lua_pushlightuserdata(L, (void *)type);
  lua_pushcclosure(L, set_field, 1);
  lua_setfield(L, -2, "__newindex");
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
