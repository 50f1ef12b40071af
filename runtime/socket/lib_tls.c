/* LuaSec's modules ssl.core and ssl.context: which contexts may be worked on without the lock, and the connections made of them. */
#include "runtime/socket/lib_tls.h"

#include <dlfcn.h>
#include <string.h>

#include "runtime/socket/lib_parts.h"
#include "runtime/socket/tls.h"
#include "runtime/state/require.h"
#include "runtime/state/text.h"
#include "runtime/state/weak.h"

static const char contexts_key = 0; /* its address names the registry table {context -> TlsContext}, weak */

#define ORIGINAL_FUNCTION lua_upvalueindex(1)

/* Pushes what is known of the context at that index: NULL, nothing. */
static TlsContext *known(lua_State *L, int context) {
  context = lua_absindex(L, context);
  weak_push(L, &contexts_key, "k");
  if (lua_isnil(L, context)) lua_pushnil(L);
  else {
    lua_pushvalue(L, context);
    lua_rawget(L, -2);
  }
  lua_remove(L, -2);
  return lua_touserdata(L, -1);
}

/* Calls the original with all arguments; its results are on top. */
static int call(lua_State *L) { return sock_original(L, ORIGINAL_FUNCTION, lua_gettop(L)); }

/* create(protocol) -> context */
static int context_create(lua_State *L) {
  int results = call(L), context = lua_gettop(L) - results + 1;
  if (results == 0 || !lua_isuserdata(L, context)) return results;
  weak_push(L, &contexts_key, "k");
  lua_pushvalue(L, context);
  memset(lua_newuserdatauv(L, sizeof(TlsContext), 0), 0, sizeof(TlsContext));
  lua_rawset(L, -3);
  lua_pop(L, 1);
  return results;
}

/* setmode(context, "server" or "client") */
static int context_setmode(lua_State *L) {
  lua_settop(L, 2);
  bool server = text_is(L, 2, "server"), client = text_is(L, 2, "client");
  TlsContext *c = known(L, 1);
  lua_pop(L, 1);
  if (c != NULL) {
    c->server = server;
    c->client = client;
  }
  return call(L);
}

/* Any function that may set a callback. */
static int context_calls_lua(lua_State *L) {
  if (lua_gettop(L) > 0) {
    TlsContext *c = known(L, 1);
    lua_pop(L, 1);
    if (c != NULL) c->calls_lua = true;
  }
  return call(L);
}

/* Pushes LuaSec's connection of the SSL, which it takes for one of luaossl's; else its two results. */
static void push_connection(lua_State *L, void *ssl) {
  void **box = lua_newuserdatauv(L, sizeof *box, 0);
  int at = lua_gettop(L);
  bool made = luaL_newmetatable(L, "SSL*");
  *box = ssl;
  lua_setmetatable(L, at);
  lua_pushvalue(L, ORIGINAL_FUNCTION);
  lua_pushvalue(L, at);
  int status = lua_pcall(L, 1, 2, 0);
  lua_pushnil(L);
  lua_setmetatable(L, at);
  tls_release(ssl); /* it has a reference of its own */
  if (made) {
    lua_pushnil(L);
    lua_setfield(L, LUA_REGISTRYINDEX, "SSL*");
  }
  lua_remove(L, at);
  if (status != LUA_OK) lua_error(L);
}

/* create(context) -> connection, or nil and why */
static int core_create(lua_State *L) {
  lua_settop(L, 1);
  const TlsContext *c = known(L, 1);
  if (c == NULL || c->calls_lua || !(c->server || c->client) || luaL_testudata(L, 1, "SSL:Context") == NULL) {
    lua_settop(L, 1);
    return call(L);
  }
  Tls *t = lua_newuserdatauv(L, sizeof *t, 1);
  memset(t, 0, sizeof *t);
  t->pid = park_self(L)->rt->gil.pid;
  t->context = lua_touserdata(L, 2);
  lua_pushvalue(L, 2);
  lua_setiuservalue(L, 3, 1);
  weak_push(L, &sock_tls_key, "k");
  luaL_checkstack(L, 8, NULL);
  t->ssl = tls_new(lua_touserdata(L, 1), c->server);
  if (t->ssl == NULL) {
    lua_settop(L, 1);
    return call(L);
  }
  push_connection(L, t->ssl);
  if (!lua_isuserdata(L, -2)) return 2;
  lua_pop(L, 1);
  lua_pushvalue(L, -1);
  lua_pushvalue(L, 3);
  lua_rawset(L, 4);
  sock_wrap(L, "SSL:Connection");
  return 1;
}

/* Replaces the function `name` of the table at that index. */
static void replace(lua_State *L, int table, const char *name, lua_CFunction f) {
  if (lua_getfield(L, table, name) != LUA_TFUNCTION || lua_tocfunction(L, -1) == f) {
    lua_pop(L, 1);
    return;
  }
  lua_pushcclosure(L, f, 1);
  lua_setfield(L, table, name);
}

static bool is_harmless(const char *name) {
  static const char *const names[] = {"create", "setmode", "loadkey", "loadcert", "checkkey", "locations", "setcipher", "setciphersuites",
                                      "setverify", "setoptions", "setdepth", "setcurve", "setcurveslist", "setalpn", "setdane", NULL};
  for (const char *const *n = names; *n != NULL; n++)
    if (strcmp(*n, name) == 0) return true;
  return false;
}

/* All functions of the table at that index that may set callbacks: those that we do not know to set none. */
static void replace_others(lua_State *L, int table) {
  lua_pushnil(L);
  while (lua_next(L, table) != 0) {
    bool known_name = lua_type(L, -2) == LUA_TSTRING && is_harmless(lua_tostring(L, -2));
    if (!known_name && lua_type(L, -1) == LUA_TFUNCTION && lua_tocfunction(L, -1) != context_calls_lua) {
      lua_pushcclosure(L, context_calls_lua, 1);
      lua_pushvalue(L, -2);
      lua_insert(L, -2);
      lua_rawset(L, table); /* an entry that is there */
    } else lua_pop(L, 1);
  }
}

static void wrap_contexts(lua_State *L, int module) {
  replace_others(L, module);
  replace(L, module, "create", context_create);
  replace(L, module, "setmode", context_setmode);
  if (luaL_getmetatable(L, "SSL:Context") == LUA_TTABLE && lua_getfield(L, -1, "__index") == LUA_TTABLE)
    replace_others(L, lua_gettop(L));
}

static void wrap_core(lua_State *L, int module) {
  Dl_info info;
  lua_getfield(L, module, "create");
  void *create = (void *)(uintptr_t)lua_tocfunction(L, -1);
  if (create != NULL && dladdr(create, &info) != 0 && tls_load(info.dli_fname)) replace(L, module, "create", core_create);
}

/* The module `name` is on top of the stack, where it stays. */
static void wrap(lua_State *L, const char *name) {
  int module = lua_gettop(L);
  luaL_checkstack(L, 10, NULL);
  if (lua_istable(L, module)) (strcmp(name, "ssl.core") == 0 ? wrap_core : wrap_contexts)(L, module);
  lua_settop(L, module);
}

/* Loads one of the modules where `require` would find it without us. */
static int load(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  lua_settop(L, 1);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushnil(L);
  lua_setfield(L, 2, name);
  require_push(L);
  lua_pushvalue(L, 1);
  lua_call(L, 1, 1);
  wrap(L, name);
  return 1;
}

void lib_tls_prepare(lua_State *L) {
  static const char *const names[] = {"ssl.context", "ssl.core", NULL};
  int top = lua_gettop(L);
  luaL_checkstack(L, 8, NULL);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  for (const char *const *name = names; *name != NULL; name++) {
    if (lua_getfield(L, top + 1, *name) == LUA_TTABLE) wrap(L, *name);
    else if (lua_getfield(L, top + 2, *name) == LUA_TNIL) {
      lua_pushcfunction(L, load);
      lua_setfield(L, top + 2, *name);
    }
    lua_settop(L, top + 2);
  }
  lua_settop(L, top);
}
