/* Memory that runs out at the n-th allocation, for all n: an error, no crash, no leak, and the next message is whole. */
#include <criterion/criterion.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>
#include <string.h>

#include "pool/pickle/pickle.h"
#include "runtime/state/error.h"
#include "runtime/state/release.h"

TestSuite(fault, .timeout = 120);

static long until_fault; /* allocations that still succeed; below 0: no faults */
static long blocks;      /* of the codec that are not freed */

void *pickle_realloc(void *block, size_t size); /* in the place of the codec's own */
void *pickle_realloc(void *block, size_t size) {
  if (size == 0) {
    if (block != NULL) blocks--;
    free(block);
    return NULL;
  }
  if (until_fault == 0) return NULL;
  if (until_fault > 0) until_fault--;
  if (block == NULL) blocks++;
  return realloc(block, size);
}

static void *lua_allocate(void *ud, void *block, size_t old_size, size_t size) {
  (void)ud;
  if (size == 0) {
    free(block);
    return NULL;
  }
  if (block == NULL || size > old_size) {
    if (until_fault == 0) return NULL;
    if (until_fault > 0) until_fault--;
  }
  return realloc(block, size);
}

static const char value[] =
    "local s, up = ('s'):rep(50000), {1} "
    "local meta = {tag = 't'} "
    "function Make(x) return {x} end "
    "local v = {1, -200, 1.5, 'text', 'text', 'text', s, {s}, print, string, f = function() up[1] = 2 return up end, "
    "  g = function() return up end, setmetatable({}, meta), meta, setmetatable({}, {__reduce = function(o) return Make, 5 end})} "
    "v.self = v local d = v for i = 1, 200 do d.d = {} d = d.d end "
    "return v";

static PickleLink *link;
static PickleMessage message;

static int dump(lua_State *L) {
  pickle_dump(L, 1, 1, PICKLE_TASK, link, &message);
  return 0;
}

static int make_link(lua_State *L) {
  link = pickle_link_new(L, 0);
  return 0;
}

static int load(lua_State *L) {
  size_t size;
  const char *bytes = lua_tolstring(L, 1, &size);
  return pickle_load(L, bytes, size, link, PICKLE_TASK_FLAGS, LUA_NOREF);
}

static lua_State *open(void) {
  until_fault = -1;
  lua_State *L = release_new_state(lua_allocate, NULL);
  luaL_openlibs(L);
  error_open(L);
  luaL_requiref(L, "gilua.pickle", lib_pickle_open, 0);
  lua_settop(L, 0);
  return L;
}

static void close_clean(lua_State *L) {
  until_fault = -1;
  pickle_message_free(L, &message);
  pickle_link_free(L, link);
  link = NULL;
  lua_close(L);
  cr_assert_eq(blocks, 0, "%ld blocks of the codec are not freed", blocks);
}

/* Calls f with the value on top of the stack, failing at the n-th allocation for n = 0, 1, … until none fails. */
static void fail_everywhere(lua_State *L, lua_CFunction f) {
  int status = LUA_ERRMEM, top = lua_gettop(L);
  long n;
  for (n = 0; status != LUA_OK; n++) {
    cr_assert_lt(n, 20000);
    lua_settop(L, top);
    lua_gc(L, LUA_GCCOLLECT);
    pickle_message_free(L, &message);
    lua_pushcfunction(L, f);
    lua_pushvalue(L, top);
    until_fault = n;
    status = lua_pcall(L, 1, 0, 0);
    until_fault = -1;
    if (status == LUA_OK) break;
    const char *text = luaL_tolstring(L, -1, NULL);
    cr_assert_not_null(strstr(text, "not enough memory"), "%s", text);
    cr_assert_null(message.bytes);
    cr_assert_eq(message.ncodes, 0);
  }
  cr_assert_gt(n, 5);
}

static int call_global(lua_State *L) {
  lua_getglobal(L, "F");
  lua_insert(L, 1);
  lua_call(L, 1, 0);
  return 0;
}

Test(fault, dumps) {
  lua_State *L = open();
  cr_assert_eq(luaL_dostring(L, value), LUA_OK);
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, -1, "gilua.pickle");
  lua_getfield(L, -1, "dumps");
  lua_setglobal(L, "F");
  lua_settop(L, 1);
  fail_everywhere(L, call_global);
  close_clean(L);
}

Test(fault, dump_for_a_link) {
  lua_State *L = open();
  cr_assert_eq(luaL_dostring(L, value), LUA_OK);
  make_link(L);
  fail_everywhere(L, dump);
  cr_assert_gt(message.ncodes, 0);
  cr_assert_gt(message.npieces, 0);
  close_clean(L);
}

Test(fault, load) {
  lua_State *L = open();
  cr_assert_eq(luaL_dostring(L, value), LUA_OK);
  make_link(L);
  lua_pushcfunction(L, dump);
  lua_insert(L, 1);
  cr_assert_eq(lua_pcall(L, 1, 0, 0), LUA_OK);
  for (unsigned i = 0; i < message.ncodes; i++)
    pickle_link_define(link, message.codes[i]->id, message.codes[i]->bytes, message.codes[i]->size);
  size_t size = pickle_message_size(&message);
  char *bytes = malloc(size);
  pickle_message_copy(&message, bytes);
  lua_pushlstring(L, bytes, size);
  free(bytes);
  fail_everywhere(L, load);
  close_clean(L);
}

Test(fault, making_a_link) {
  lua_State *L = open();
  int status = LUA_ERRMEM;
  for (long n = 0; status != LUA_OK; n++) {
    lua_pushcfunction(L, make_link);
    until_fault = n;
    status = lua_pcall(L, 0, 0, 0);
    until_fault = -1;
    lua_settop(L, 0);
    if (status != LUA_OK) cr_assert_null(link);
  }
  close_clean(L);
}

Test(fault, definitions) {
  lua_State *L = open();
  make_link(L);
  for (int i = 1; i < 100; i++) {
    until_fault = 0;
    cr_assert_eq(pickle_link_define(link, (uint64_t)i, "bytes", 5), -1);
    until_fault = -1;
    cr_assert_eq(pickle_link_define(link, (uint64_t)i, "bytes", 5), 0);
  }
  close_clean(L);
}
