/* A module with functions of its own that are called as some of gilua's and of other modules are. */
#include <lauxlib.h>

int buffer_free(void *x);
int buffer_open(void *x);
int ring_grow(void *x);

int buffer_free(void *x) { return x == NULL ? 40 : 0; }
int buffer_open(void *x) { return x == NULL ? 2 : 0; }
int ring_grow(void *x) { return x == NULL ? 58 : 0; }

static int sum(lua_State *L) {
  lua_pushinteger(L, buffer_free(NULL) + buffer_open(NULL) + ring_grow(NULL));
  return 1;
}

int luaopen_own_names_module(lua_State *L);

int luaopen_own_names_module(lua_State *L) {
  lua_pushcfunction(L, sum);
  return 1;
}
