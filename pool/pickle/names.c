/* Names of modules, classes and functions. They are collected level by level: a name with fewer keys is there first. */
#include "pool/pickle/names.h"

#include <lauxlib.h>
#include <string.h>

#include "pool/pickle/memory.h"
#include "pool/pickle/modules.h"
#include "pool/pickle/pickle.h"
#include "runtime/state/error.h"

enum {
  MOST_FIELDS = 500, /* of a table within a module; a larger one is data */
  ENOUGH = 10000     /* names: no further level */
};

typedef enum Fields { FIELDS_ALL, FIELDS_OF_C, FIELDS_TABLES } Fields;

/* Where things stand on the stack while names are collected. */
typedef struct Collector {
  lua_State *L;
  Names *names;
  NameScope scope;
  int loaded, keys, objects, modules;
  uint32_t level; /* number of the first name on the level that is collected */
  uint32_t globals;
} Collector;

static const char *const libraries[] = {"string", "table", "math",    "io",        "os",
                                        "utf8",   "debug", "package", "coroutine", NULL};

static const char types_key;

void names_push_types(lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &types_key) == LUA_TTABLE) return;
  lua_pop(L, 1);
  lua_newtable(L);
  error_push_metatable(L);
  lua_setfield(L, -2, "gilua.Error");
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &types_key);
}

void pickle_register(lua_State *L, const char *name) {
  luaL_checkstack(L, 3, NULL);
  names_push_types(L);
  lua_insert(L, -2);
  lua_setfield(L, -2, name);
  lua_pop(L, 1);
}

static const char *key_of(const Collector *c, uint32_t number) {
  lua_rawgeti(c->L, c->keys, number);
  const char *key = lua_tostring(c->L, -1);
  lua_pop(c->L, 1);
  return key;
}

static int compare_modules(const char *a, const char *b) {
  bool last = strcmp(a, LUA_GNAME) == 0;
  return last != (strcmp(b, LUA_GNAME) == 0) ? (last ? 1 : -1) : strcmp(a, b);
}

/* Which of two names with as many keys comes first. */
static int compare(const Collector *c, uint32_t a_holder, const char *a, uint32_t b_holder, const char *b) {
  const uint32_t *holders = c->names->holders;
  if (a_holder == 0) return compare_modules(a, b);
  int order = 0;
  if (a_holder != b_holder)
    order = compare(c, holders[a_holder - 1], key_of(c, a_holder), holders[b_holder - 1], key_of(c, b_holder));
  return order != 0 ? order : strcmp(a, b);
}

/* Room for one more, before the map has it. */
static void reserve(Collector *c) {
  Names *n = c->names;
  if (n->map.count < n->capacity) return;
  uint32_t capacity = n->capacity == 0 ? 256 : 2 * n->capacity;
  uint32_t *holders = pickle_realloc(n->holders, capacity * sizeof *holders);
  if (holders == NULL) luaL_error(c->L, "not enough memory");
  n->holders = holders;
  n->capacity = capacity;
}

/* Names the value on top, unless it has a better name: the key stands at index key. Returns its number. */
static uint32_t add(Collector *c, uint32_t holder, int key) {
  lua_State *L = c->L;
  bool added;
  reserve(c);
  const Ref *ref = refs_add(&c->names->map, lua_topointer(L, -1), (size_t)c->names->map.count + 1, &added);
  if (ref == NULL) luaL_error(L, "not enough memory");
  uint32_t number = (uint32_t)ref->value;
  uint32_t *place = &c->names->holders[number - 1];
  if (!added && number < c->level) return number;
  if (!added && compare(c, holder, lua_tostring(L, key), *place, key_of(c, number)) >= 0) return number;
  *place = holder;
  lua_pushvalue(L, key);
  lua_rawseti(L, c->keys, number);
  lua_pushvalue(L, -1);
  lua_rawseti(L, c->objects, number);
  return number;
}

static bool is_kept(lua_State *L, Fields which) {
  int type = lua_type(L, -1);
  if (!can_have_name(type)) return false;
  if (which == FIELDS_TABLES) return type == LUA_TTABLE;
  return which == FIELDS_ALL || type == LUA_TUSERDATA || lua_iscfunction(L, -1);
}

/* The fields of the table on top. */
static void add_fields(Collector *c, uint32_t holder, Fields which) {
  lua_State *L = c->L;
  int table = lua_gettop(L);
  lua_pushnil(L);
  while (lua_next(L, table)) {
    if (lua_type(L, -2) == LUA_TSTRING && is_kept(L, which)) add(c, holder, table + 1);
    lua_pop(L, 1);
  }
}

NamedTable names_look_at(lua_State *L, unsigned most) {
  int table = lua_gettop(L);
  NamedTable kind = TABLE_OF_DATA;
  unsigned n = 0;
  lua_pushnil(L);
  while (lua_next(L, table)) {
    size_t size = 0;
    const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tolstring(L, -2, &size) : NULL;
    if (size >= 2 && key[0] == '_' && key[1] == '_') kind = TABLE_CLASS;
    else if (kind == TABLE_OF_DATA && lua_isfunction(L, -1)) kind = TABLE_OF_NAMES;
    if (++n == most) kind = TABLE_LARGE;
    if (kind == TABLE_LARGE || (kind == TABLE_CLASS && most == 0)) {
      lua_pop(L, 2);
      return kind;
    }
    lua_pop(L, 1);
  }
  return kind;
}

/* The fields of what has a number, if it is a table: level is how many keys their names have. */
static void look_into(Collector *c, uint32_t number, unsigned level) {
  lua_State *L = c->L;
  if (lua_rawgeti(L, c->objects, number) == LUA_TTABLE) {
    NamedTable kind = level == 2 ? TABLE_CLASS : names_look_at(L, MOST_FIELDS);
    if (kind == TABLE_CLASS || (kind == TABLE_OF_NAMES && level == 3)) add_fields(c, number, FIELDS_ALL);
    else if (kind != TABLE_LARGE) add_fields(c, number, FIELDS_TABLES);
  }
  lua_pop(L, 1);
}

/* What is named from here on has a worse name than what is named already. */
static void next_level(Collector *c) { c->level = c->names->map.count + 1; }

static void collect_types(Collector *c) {
  lua_State *L = c->L;
  int types = lua_gettop(L);
  lua_pushnil(L);
  for (; lua_next(L, types); lua_pop(L, 1)) add(c, 0, types + 1);
}

/* The library on top, whose name is below it. Returns its number. */
static uint32_t collect_library(Collector *c, Fields which) {
  next_level(c);
  uint32_t number = add(c, 0, lua_gettop(c->L) - 1);
  next_level(c);
  add_fields(c, number, which);
  return number;
}

static void collect_libraries(Collector *c) {
  lua_State *L = c->L;
  for (const char *const *name = libraries; *name != NULL; name++) {
    lua_pushstring(L, *name);
    lua_pushvalue(L, -1);
    if (lua_rawget(L, c->loaded) == LUA_TTABLE) collect_library(c, c->scope == NAMES_ALL ? FIELDS_ALL : FIELDS_OF_C);
    lua_pop(L, 2);
  }
  lua_pushliteral(L, LUA_GNAME);
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
  c->globals = collect_library(c, FIELDS_OF_C);
  lua_pop(L, 2);
}

static void collect_modules(Collector *c) {
  lua_State *L = c->L;
  lua_pushnil(L);
  while (lua_next(L, c->loaded)) {
    int key = lua_gettop(L) - 1;
    if (lua_type(L, key) == LUA_TSTRING && can_have_name(lua_type(L, -1)) &&
        (c->modules == 0 || modules_have(L, c->modules, key)))
      add(c, 0, key);
    lua_pop(L, 1);
  }
}

static void collect_levels(Collector *c, uint32_t first) {
  for (unsigned level = 2; level <= NAME_MOST_KEYS; level++) {
    uint32_t end = c->names->map.count;
    if (first > end || (level > 2 && end > ENOUGH)) return;
    next_level(c);
    for (uint32_t number = first; number <= end; number++) look_into(c, number, level);
    if (level == 2 && c->scope == NAMES_ALL) look_into(c, c->globals, level);
    first = end + 1;
  }
}

void names_collect(lua_State *L, Names *n, NameScope scope, int objects, int modules) {
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  *n = (Names){.keys = LUA_NOREF};
  int top = lua_gettop(L);
  Collector c = {.L = L, .names = n, .scope = scope, .level = 1, .modules = modules};
  c.loaded = top + 1;
  c.keys = top + 2;
  c.objects = objects != 0 ? objects : top + 3;
  modules_push_loaded(L);
  lua_newtable(L);
  lua_newtable(L);
  names_push_types(L);
  if (scope != NAMES_LATER) {
    collect_types(&c);
    collect_libraries(&c);
  }
  next_level(&c);
  uint32_t first = c.level;
  collect_modules(&c);
  collect_levels(&c, first);
  lua_settop(L, c.keys);
  n->keys = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_settop(L, top);
}

void names_free(lua_State *L, Names *n) {
  refs_free(&n->map);
  pickle_realloc(n->holders, 0);
  if (n->keys != 0) luaL_unref(L, LUA_REGISTRYINDEX, n->keys);
  *n = (Names){.keys = LUA_NOREF};
}

unsigned names_level(const Names *n, uint32_t number) {
  unsigned level = 0;
  for (; number != 0 && level < 3; number = n->holders[number - 1]) level++;
  return level;
}

void names_push_root(lua_State *L, int loaded) {
  names_push_types(L);
  lua_pushvalue(L, -2);
  if (lua_rawget(L, -2) == LUA_TNIL) {
    lua_pop(L, 1);
    if (strcmp(lua_tostring(L, -2), LUA_GNAME) == 0) {
      lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
    } else {
      lua_pushvalue(L, -2);
      lua_rawget(L, loaded);
    }
  }
  lua_replace(L, -3);
  lua_pop(L, 1);
}

int names_push(lua_State *L, const Names *n, int i, int loaded) {
  const Ref *ref = refs_find(&n->map, lua_topointer(L, i));
  uint32_t numbers[NAME_MOST_KEYS];
  int count = 0, top = lua_gettop(L);
  if (ref == NULL) return 0;
  for (uint32_t number = (uint32_t)ref->value; number != 0; number = n->holders[number - 1]) numbers[count++] = number;
  lua_rawgeti(L, LUA_REGISTRYINDEX, n->keys);
  for (int k = count; k-- > 0;) lua_rawgeti(L, top + 1, numbers[k]);
  lua_remove(L, top + 1);
  lua_pushvalue(L, top + 1);
  names_push_root(L, loaded);
  int k = 2;
  for (; k <= count && lua_istable(L, -1); k++) {
    lua_pushvalue(L, top + k);
    lua_rawget(L, -2);
    lua_remove(L, -2);
  }
  bool leads = k > count && lua_rawequal(L, -1, i);
  lua_settop(L, leads ? top + count : top);
  return leads ? count : 0;
}
