/* multiprocessing.Value(type, v): one number that processes share.
 *
 *   value.value            reads and writes it     value:add(n) -> the sum; nothing of another process comes between
 *   value:get_lock()       an RLock that belongs to it, for longer changes
 *
 * type: "f64" "f32" "i64" "i32" "u8"; "d" "f" "q" "i" "B" are the same. Integers wrap around, as in C.
 */
#include <string.h>

#include "pool/multiprocessing/shared_handle.h"
#include "runtime/shared/lock.h"
#include "runtime/state/text.h"

typedef enum ValueType { VALUE_F64, VALUE_F32, VALUE_I64, VALUE_I32, VALUE_U8, VALUE_TYPES } ValueType;

static const char *const type_names[] = {"f64", "f32", "i64", "i32", "u8", "d", "f", "q", "i", "B", NULL};

typedef struct SharedValue {
  SharedObject o;
  uint32_t type;         /* [i] ValueType */
  _Atomic uint64_t bits; /* [a] the number, as 64 bits of its kind; seq_cst */
} SharedValue;

static SharedValue *value_of(const SharedHandle *h) { return (SharedValue *)h->s.object; }

static SharedHandle *check(lua_State *L) { return shared_check(L, 1, &shared_value_type); }

static bool is_float(const SharedValue *v) { return v->type == VALUE_F64 || v->type == VALUE_F32; }

static double as_float(uint64_t bits) {
  double d;
  memcpy(&d, &bits, sizeof d);
  return d;
}

static uint64_t float_bits(const SharedValue *v, double d) {
  uint64_t bits;
  if (v->type == VALUE_F32) d = (float)d;
  memcpy(&bits, &d, sizeof bits);
  return bits;
}

static uint64_t integer_bits(const SharedValue *v, uint64_t i) {
  if (v->type == VALUE_I32) return (uint64_t)(int64_t)(int32_t)i;
  return v->type == VALUE_U8 ? (uint8_t)i : i;
}

static uint64_t check_bits(lua_State *L, const SharedValue *v, int i) {
  if (is_float(v)) return float_bits(v, luaL_checknumber(L, i));
  return integer_bits(v, (uint64_t)luaL_checkinteger(L, i));
}

static void push(lua_State *L, const SharedValue *v, uint64_t bits) {
  if (is_float(v)) lua_pushnumber(L, as_float(bits));
  else lua_pushinteger(L, (lua_Integer)bits);
}

static int value_add(lua_State *L) {
  SharedValue *v = value_of(check(L));
  lua_Number d = 0;
  lua_Integer n = 0;
  if (is_float(v)) d = luaL_checknumber(L, 2);
  else n = luaL_checkinteger(L, 2);
  uint64_t seen = atomic_load(&v->bits), sum;
  do sum = is_float(v) ? float_bits(v, as_float(seen) + d) : integer_bits(v, seen + (uint64_t)n);
  while (!atomic_compare_exchange_weak(&v->bits, &seen, sum));
  push(L, v, sum);
  return 1;
}

static int value_get_lock(lua_State *L) {
  check(L);
  lua_getiuservalue(L, 1, 1);
  return 1;
}

static bool value_get(lua_State *L, void *object, const char *field) {
  if (strcmp(field, "value") != 0) return false;
  const SharedValue *v = value_of(shared_ready(L, object));
  push(L, v, atomic_load(&v->bits));
  return true;
}

static bool value_set(lua_State *L, void *object, const char *field) {
  if (strcmp(field, "value") != 0) return false;
  SharedValue *v = value_of(shared_ready(L, object));
  int is_good;
  if (is_float(v)) lua_tonumberx(L, 3, &is_good);
  else lua_tointegerx(L, 3, &is_good);
  if (!is_good) object_refuse(L, field, is_float(v) ? "number" : "integer");
  atomic_store(&v->bits, check_bits(L, v, 3));
  return true;
}

static void describe(lua_State *L, void *object) {
  SharedHandle *h = object;
  if (!shared_usable(&h->s)) {
    shared_describe(L, object);
    return;
  }
  const SharedValue *v = value_of(h);
  push(L, v, atomic_load(&v->bits));
  lua_pushfstring(L, "%s", luaL_tolstring(L, -1, NULL));
}

static const luaL_Reg value_methods[] = {{"add", value_add}, {"get_lock", value_get_lock}, {NULL, NULL}};
static const char *const value_fields[] = {"value", NULL};
static const luaL_Reg value_meta[] = {{"__gc", shared_collect}, {"__reduce", shared_reduce}, {NULL, NULL}};

const ObjectType shared_value_type = {.name = "gilua.multiprocessing.Value",
                                      .size = sizeof(SharedHandle),
                                      .methods = value_methods,
                                      .meta = value_meta,
                                      .fields = value_fields,
                                      .get = value_get,
                                      .set = value_set,
                                      .describe = describe};

static int check_type(lua_State *L, int i) {
  const char *name = text_check(L, i);
  for (int k = 0; type_names[k] != NULL; k++)
    if (strcmp(type_names[k], name) == 0) return k % VALUE_TYPES;
  return luaL_argerror(L, i, lua_pushfstring(L, "unknown type '%s': types are f64, f32, i64, i32 and u8, or d, f, q, i and B", name));
}

static int new_value(lua_State *L) {
  object_check_last(L, 2);
  int type = check_type(L, 1);
  lua_settop(L, 2);
  if (lua_isnil(L, 2)) {
    lua_pushinteger(L, 0);
    lua_replace(L, 2);
  }
  SharedValue form = {.type = (uint32_t)type};
  uint64_t bits = check_bits(L, &form, 2);
  SharedValue *v = value_of(shared_push_new(L, SHARED_VALUE, sizeof(SharedValue)));
  v->type = (uint32_t)type;
  atomic_store(&v->bits, bits);
  shared_push_new(L, SHARED_RLOCK, sizeof(SharedLock));
  lua_setiuservalue(L, -2, 1);
  return 1;
}

void lib_shared_value_add(lua_State *L) {
  lua_pushcfunction(L, new_value);
  lua_setfield(L, -2, "Value");
}
