/* The generator is the Lua program of tools/bind, compiled in, so that it is there wherever gilua is installed. */
#include "interp/bind.h"

#include <lauxlib.h>
#include <string.h>

#include "interp/run.h"

static const char main_text[] =
#include "tools/bind/bind.inc"
    ;
static const char names_text[] =
#include "tools/bind/bind_names.inc"
    ;
static const char read_text[] =
#include "tools/bind/bind_read.inc"
    ;
static const char scan_text[] =
#include "tools/bind/bind_scan.inc"
    ;
static const char text_text[] =
#include "tools/bind/bind_text.inc"
    ;
static const char write_text[] =
#include "tools/bind/bind_write.inc"
    ;

static int load(lua_State *L, const char *text, const char *name) {
  return luaL_loadbufferx(L, text, strlen(text), name, "t");
}

/* Puts a module into package.preload. */
static int preload(lua_State *L, const char *name, const char *text, const char *chunk) {
  int status = load(L, text, chunk);
  if (status != LUA_OK) return status;
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_insert(L, -2);
  lua_setfield(L, -2, name);
  lua_pop(L, 1);
  return LUA_OK;
}

bool bind_run(lua_State *L, char **argv) {
  int n = 0;
  int status = preload(L, "bind_scan", scan_text, "=bind_scan.lua");
  if (status == LUA_OK) status = preload(L, "bind_names", names_text, "=bind_names.lua");
  if (status == LUA_OK) status = preload(L, "bind_read", read_text, "=bind_read.lua");
  if (status == LUA_OK) status = preload(L, "bind_text", text_text, "=bind_text.lua");
  if (status == LUA_OK) status = preload(L, "bind_write", write_text, "=bind_write.lua");
  if (status == LUA_OK) status = load(L, main_text, "=bind.lua");
  if (status == LUA_OK) {
    while (argv[n] != NULL) n++;
    luaL_checkstack(L, n, "too many arguments");
    for (int i = 0; i < n; i++) lua_pushstring(L, argv[i]);
    status = run_call(L, n, 0);
  }
  return run_report(L, status);
}
