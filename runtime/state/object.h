/* Objects of gilua: full userdata that start with their type. One comparison tells a lock from a file of somebody
 * else's, where luaL_checkudata needs a registry look-up that costs more than taking the lock. */
#ifndef GILUA_RUNTIME_STATE_OBJECT_H
#define GILUA_RUNTIME_STATE_OBJECT_H

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

/* A type of object: constant, one a kind. */
typedef struct ObjectType {
  const char *name;        /* "gilua.Lock": __name, and the metatable's name in the registry */
  size_t size;             /* bytes of the userdata, head included */
  const luaL_Reg *methods; /* what __index gives */
  const luaL_Reg *meta;    /* metamethods, or NULL */
  /* What tostring shows of the object at index 1, or NULL: pushes a few words. Neither blocks nor runs the program's code; may raise. */
  void (*describe)(lua_State *L, void *object);
  /* The names of the fields beside the methods, for who completes what is typed, or NULL where `get` is, too. */
  const char *const *fields;
  /* Fields beside the methods, or NULL: pushes the value of a field of the object at index 1; false: no such field. */
  bool (*get)(lua_State *L, void *object, const char *field);
  /* The same for assignment of the value at index 3, or NULL; false: no field that can be set. */
  bool (*set)(lua_State *L, void *object, const char *field);
} ObjectType;

/* Every object starts with this. */
typedef struct ObjectHead {
  const ObjectType *type; /* [i] */
} ObjectHead;

/* object_test returns the object of that type at index i, or NULL. */
static inline void *object_test(lua_State *L, int i, const ObjectType *type) {
  ObjectHead *head = lua_touserdata(L, i);
  /* the length first: a light userdata has none and may point anywhere */
  if (head == NULL || lua_rawlen(L, i) < type->size || head->type != type) return NULL;
  return head;
}

/* object_check is object_test, but raises an argument error. */
static inline void *object_check(lua_State *L, int i, const ObjectType *type) {
  void *object = object_test(L, i, type);
  if (object == NULL) luaL_typeerror(L, i, type->name);
  return object;
}

/* object_check_either is object_check for two types with the same struct; an error names the first. */
static inline void *object_check_either(lua_State *L, int i, const ObjectType *type, const ObjectType *other) {
  void *object = object_test(L, i, type);
  if (object == NULL) object = object_test(L, i, other);
  if (object == NULL) luaL_typeerror(L, i, type->name);
  return object;
}

/* object_check_callable raises an argument error unless the value at index i can be called. */
void object_check_callable(lua_State *L, int i);

/* object_check_last raises an argument error for what stands behind the last argument that a constructor takes, the n-th: else
 * a misplaced one would do nothing without a word. */
void object_check_last(lua_State *L, int n);

/* object_refuse raises that the value at index 3 of a __newindex cannot be that of the field: `expected` says what it may be. It
 * does not return. object_flag is that value, a boolean. */
int object_refuse(lua_State *L, const char *field, const char *expected);
bool object_flag(lua_State *L, const char *field);

/* object_new pushes a new object, zeroed but for its head, with nvalues user values. */
void *object_new(lua_State *L, const ObjectType *type, int nvalues);

/* object_push_metatable pushes the type's metatable, made when somebody first asks for it: that of an object is there
 * whichever modules were loaded. object_register makes it now, for a type whose metatable is completed by hand. */
void object_push_metatable(lua_State *L, const ObjectType *type);
void object_register(lua_State *L, const ObjectType *type);

/* object_push_fields pushes a table whose keys are the fields, beside the methods, that the value at index i has as one of ours;
 * nil if it is none or has none. Metatables of types that know more than ObjectType.fields have a C function under
 * OBJECT_FIELDS: (object) -> such a table. */
#define OBJECT_FIELDS "__fields"
void object_push_fields(lua_State *L, int i);

/* object_is_ours tells whether what the value at index i gives for a key is looked up by a C function of gilua. */
bool object_is_ours(lua_State *L, int i);

#endif
