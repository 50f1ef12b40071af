/* Taking libraries away. Everything that stays is named here: a function or module that nobody thought of is not
 * there. */
#include "interp/libraries.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdbool.h>
#include <string.h>

#include "interp/gilua.h"
#include "pool/futures/lib_futures.h"
#include "runtime/socket/lib_socket.h"

/* A name, and the flags of which one must be given; 0: always there. */
typedef struct Rule {
  const char *name;
  unsigned needs;
} Rule;

static const Rule globals[] = {
    {"_G", 0}, {"_VERSION", 0}, {"assert", 0}, {"collectgarbage", 0}, {"coroutine", 0}, {"debug", 0},
    {"dofile", GILUA_LIB_IO}, {"error", 0}, {"getmetatable", 0}, {"io", GILUA_LIB_IO | GILUA_LIB_PROCESSES},
    {"ipairs", 0},
    {"load", 0}, {"loadfile", GILUA_LIB_IO}, {"math", 0}, {"next", 0}, {"os", 0}, {"package", 0}, {"pairs", 0},
    {"pcall", 0}, {"print", 0}, {"rawequal", 0}, {"rawget", 0}, {"rawlen", 0}, {"rawset", 0}, {"require", 0},
    {"select", 0}, {"setmetatable", 0}, {"string", 0}, {"table", 0}, {"tonumber", 0}, {"tostring", 0}, {"type", 0},
    {"utf8", 0}, {"warn", 0}, {"xpcall", 0}, {NULL, 0},
};

static const Rule os_functions[] = {
    {"clock", 0}, {"date", 0}, {"difftime", 0}, {"execute", GILUA_LIB_PROCESSES}, {"exit", GILUA_LIB_PROCESSES},
    {"getenv", GILUA_LIB_PROCESSES}, {"remove", GILUA_LIB_IO}, {"rename", GILUA_LIB_IO},
    {"setlocale", GILUA_LIB_PROCESSES}, {"time", 0}, {"tmpname", GILUA_LIB_IO}, {NULL, 0},
};

static const Rule io_functions[] = {
    {"close", GILUA_LIB_IO}, {"flush", GILUA_LIB_IO}, {"input", GILUA_LIB_IO}, {"lines", GILUA_LIB_IO},
    {"open", GILUA_LIB_IO}, {"output", GILUA_LIB_IO}, {"popen", GILUA_LIB_PROCESSES}, {"read", GILUA_LIB_IO},
    {"stderr", GILUA_LIB_IO}, {"stdin", GILUA_LIB_IO}, {"stdout", GILUA_LIB_IO}, {"tmpfile", GILUA_LIB_IO},
    {"type", 0}, {"write", GILUA_LIB_IO}, {NULL, 0},
};

static const Rule package_fields[] = {
    {"config", 0}, {"cpath", GILUA_LIB_PACKAGES}, {"loaded", 0}, {"loadlib", GILUA_LIB_PACKAGES},
    {"path", GILUA_LIB_PACKAGES}, {"preload", 0}, {"searchers", GILUA_LIB_PACKAGES}, {"searchpath", GILUA_LIB_PACKAGES},
    {NULL, 0},
};

static const Rule debug_functions[] = {{"traceback", 0}, {NULL, 0}};

/* Also the entries of package.loaded. */
static const Rule modules[] = {
    {LUA_GNAME, 0}, {LUA_COLIBNAME, 0}, {LUA_DBLIBNAME, 0}, {LUA_IOLIBNAME, GILUA_LIB_IO | GILUA_LIB_PROCESSES},
    {LUA_LOADLIBNAME, 0}, {LUA_MATHLIBNAME, 0}, {LUA_OSLIBNAME, 0}, {LUA_STRLIBNAME, 0}, {LUA_TABLIBNAME, 0},
    {LUA_UTF8LIBNAME, 0}, {"gilua", 0}, {"gilua.time", 0}, {"gilua.threading", GILUA_LIB_THREADS},
    {"gilua.queue", GILUA_LIB_THREADS}, {"gilua.gil", GILUA_LIB_IO}, {"gilua.native", GILUA_LIB_NATIVE},
    {"gilua.ctypes", GILUA_LIB_CTYPES}, {"gilua.socket", GILUA_LIB_SOCKETS},
    {"gilua.multiprocessing", GILUA_LIB_PROCESSES}, {"gilua.futures", GILUA_LIB_PROCESSES | GILUA_LIB_THREADS},
    {"gilua.pickle", GILUA_LIB_PROCESSES}, {NULL, 0},
};

static bool may(const Rule *rules, const char *name, unsigned allowed) {
  for (const Rule *r = rules; r->name != NULL; r++)
    if (strcmp(r->name, name) == 0) return r->needs == 0 || (r->needs & allowed) != 0;
  return false;
}

/* Removes what the rules do not allow from the table on top of the stack. */
static void keep_allowed(lua_State *L, const Rule *rules, unsigned allowed) {
  for (lua_pushnil(L); lua_next(L, -2) != 0;) {
    lua_pop(L, 1);
    if (lua_type(L, -1) == LUA_TSTRING && may(rules, lua_tostring(L, -1), allowed)) continue;
    lua_pushvalue(L, -1);
    lua_pushnil(L);
    lua_rawset(L, -4); /* assigning nil to a field is allowed in a traversal */
  }
}

static void restrict_library(lua_State *L, const char *name, const Rule *rules, unsigned allowed) {
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (lua_getfield(L, -1, name) == LUA_TTABLE) keep_allowed(L, rules, allowed);
  lua_pop(L, 2);
}

/* Puts the mode that is left of the one at index i: binary chunks are refused, and what was asked for otherwise stays. */
static void keep_text_mode(lua_State *L, int i) {
  const char *mode = luaL_optstring(L, i, "bt");
  lua_pushstring(L, strchr(mode, 't') != NULL ? "t" : "");
  lua_replace(L, i);
}

/* load(chunk, name, mode, env), text only; upvalue: the standard one. What a reader function yields is checked by it. */
static int load_text(lua_State *L) {
  luaL_checkany(L, 1);
  if (lua_gettop(L) < 3) lua_settop(L, 3);
  keep_text_mode(L, 3);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
  return lua_gettop(L);
}

/* loadfile([name, mode, env]) and dofile([name]) in the same way; upvalue: the standard loadfile. */
static int loadfile_text(lua_State *L) {
  if (lua_gettop(L) < 2) lua_settop(L, 2);
  keep_text_mode(L, 2);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
  return lua_gettop(L);
}

static int dofile_done(lua_State *L, int status, lua_KContext base) {
  (void)status;
  return lua_gettop(L) - (int)base;
}

static int dofile_text(lua_State *L) {
  const char *name = luaL_optstring(L, 1, NULL);
  lua_settop(L, 1);
  if (luaL_loadfilex(L, name, "t") != LUA_OK) return lua_error(L);
  lua_callk(L, 0, LUA_MULTRET, 1, dofile_done);
  return dofile_done(L, LUA_OK, 1);
}

static void wrap_global(lua_State *L, const char *name, lua_CFunction f) {
  if (lua_getglobal(L, name) == LUA_TFUNCTION) {
    lua_pushcclosure(L, f, 1);
    lua_setglobal(L, name);
  } else {
    lua_pop(L, 1);
  }
}

static void forbid_bytecode(lua_State *L) {
  wrap_global(L, "load", load_text);
  wrap_global(L, "loadfile", loadfile_text);
  wrap_global(L, "dofile", dofile_text);
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (lua_getfield(L, -1, LUA_STRLIBNAME) == LUA_TTABLE) {
    lua_pushnil(L);
    lua_setfield(L, -2, "dump");
  }
  lua_pop(L, 2);
}

/* require finds what is preloaded; nothing is looked for in files. `require` keeps the table as an upvalue. */
static void forbid_packages(lua_State *L) {
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (lua_getfield(L, -1, LUA_LOADLIBNAME) == LUA_TTABLE && lua_getfield(L, -1, "searchers") == LUA_TTABLE) {
    for (lua_Integer i = luaL_len(L, -1); i > 1; i--) {
      lua_pushnil(L);
      lua_rawseti(L, -2, i);
    }
  }
  lua_settop(L, 0);
}

void libraries_restrict(lua_State *L, unsigned allowed) {
  if (allowed == 0 || allowed == GILUA_LIB_ALL) return;
  luaL_checkstack(L, 10, NULL);
  lua_settop(L, 0);
  if ((allowed & (GILUA_LIB_SOCKETS | GILUA_LIB_PACKAGES)) == GILUA_LIB_SOCKETS) lib_socket_confine(L);
  if ((allowed & GILUA_LIB_PACKAGES) == 0) forbid_packages(L);
  restrict_library(L, LUA_OSLIBNAME, os_functions, allowed);
  restrict_library(L, LUA_IOLIBNAME, io_functions, allowed);
  if ((allowed & GILUA_LIB_DEBUG) == 0) restrict_library(L, LUA_DBLIBNAME, debug_functions, allowed);
  /* searchers stays: `require` looks there in a field of the table, and what is left in it is harmless */
  restrict_library(L, LUA_LOADLIBNAME, package_fields, allowed | GILUA_LIB_PACKAGES);
  if ((allowed & GILUA_LIB_PACKAGES) == 0) {
    static const char *const gone[] = {"cpath", "loadlib", "path", "searchpath"};
    lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_getfield(L, -1, LUA_LOADLIBNAME);
    for (size_t i = 0; i < sizeof gone / sizeof gone[0]; i++) {
      lua_pushnil(L);
      lua_setfield(L, -2, gone[i]);
    }
    lua_settop(L, 0);
  }
  if ((allowed & GILUA_LIB_BYTECODE) == 0) forbid_bytecode(L);
  lua_pushglobaltable(L);
  keep_allowed(L, globals, allowed);
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  keep_allowed(L, modules, allowed);
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  keep_allowed(L, modules, allowed);
  if ((allowed & (GILUA_LIB_THREADS | GILUA_LIB_PROCESSES)) == GILUA_LIB_THREADS) {
    lua_pushcfunction(L, lib_futures_open); /* without the executors of other back ends */
    lua_setfield(L, -2, "gilua.futures");
  }
  lua_settop(L, 0);
}
