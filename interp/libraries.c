/* Taking libraries away. Everything that stays is named here: a function or module that nobody thought of is not
 * there. */
#include "interp/libraries.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdbool.h>
#include <string.h>

#include "interp/gilua.h"
#include "pool/futures/lib_futures.h"
#include "pool/gearman/lib_gearman.h"
#include "pool/pickle/pickle.h"
#include "pool/process/lib_process.h"
#include "runtime/io/lib_io.h"
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
    {"gilua.pickle", GILUA_LIB_PROCESSES}, {"gilua.signal", GILUA_LIB_PROCESSES},
    {"gilua.schedule", GILUA_LIB_PROCESSES}, {NULL, 0},
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

/* The next piece of a chunk, from the reader function at index 1; it stays at READER_PIECE while Lua reads it. */
enum { READER_PIECE = 5 };

static const char *read_piece(lua_State *L, void *unused, size_t *size) {
  (void)unused;
  luaL_checkstack(L, 2, "too many nested functions");
  lua_pushvalue(L, 1);
  lua_call(L, 0, 1);
  if (!lua_isnil(L, -1) && !lua_isstring(L, -1)) luaL_error(L, "reader function must return a string");
  lua_replace(L, READER_PIECE);
  return lua_tolstring(L, READER_PIECE, size);
}

/* load(chunk, name, mode, env) as the standard one, text only. It keeps no other that debug.getupvalue would give. */
static int load_text(lua_State *L) {
  size_t size;
  luaL_checkany(L, 1);
  const char *text = lua_tolstring(L, 1, &size);
  const char *mode = strchr(luaL_optstring(L, 3, "bt"), 't') != NULL ? "t" : "";
  bool has_env = !lua_isnone(L, 4);
  int status;
  if (text != NULL) {
    status = luaL_loadbufferx(L, text, size, luaL_optstring(L, 2, text), mode);
  } else {
    const char *name = luaL_optstring(L, 2, "=(load)");
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, READER_PIECE);
    status = lua_load(L, read_piece, NULL, name, mode);
  }
  if (status != LUA_OK) {
    luaL_pushfail(L);
    lua_insert(L, -2);
    return 2;
  }
  if (has_env) {
    lua_pushvalue(L, 4);
    if (lua_setupvalue(L, -2, 1) == NULL) lua_pop(L, 1);
  }
  return 1;
}

static void set_global(lua_State *L, const char *name, lua_CFunction f) {
  lua_pushcfunction(L, f);
  lua_setglobal(L, name);
}

static void forbid_bytecode(lua_State *L) {
  set_global(L, "load", load_text);
  lib_load_confine(L);
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (lua_getfield(L, -1, LUA_STRLIBNAME) == LUA_TTABLE) {
    lua_pushnil(L);
    lua_setfield(L, -2, "dump");
  }
  lua_pop(L, 1);
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, lib_pickle_open_confined);
  lua_setfield(L, -2, "gilua.pickle");
  lua_pop(L, 2);
}

/* Files that the registry keeps for print: who gets at them by debug has no methods. */
static void forbid_files(lua_State *L) {
  luaL_getmetatable(L, LUA_FILEHANDLE);
  lua_pushnil(L);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}

/* gilua.futures with the executors that the flags in the upvalue allow; those of job servers need sockets. */
static int open_allowed_futures(lua_State *L) {
  unsigned allowed = (unsigned)lua_tointeger(L, lua_upvalueindex(1));
  lib_futures_open(L);
  if ((allowed & GILUA_LIB_THREADS) == 0) {
    lua_pushnil(L);
    lua_setfield(L, -2, "ThreadPoolExecutor");
  }
  if ((allowed & GILUA_LIB_PROCESSES) != 0) lib_process_add(L);
  if ((allowed & GILUA_LIB_SOCKETS) != 0) lib_gearman_add(L);
  return 1;
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
  if ((allowed & (GILUA_LIB_IO | GILUA_LIB_PROCESSES)) == 0) forbid_files(L);
  lua_pushglobaltable(L);
  keep_allowed(L, globals, allowed);
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  keep_allowed(L, modules, allowed);
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  keep_allowed(L, modules, allowed);
  if ((allowed & (GILUA_LIB_THREADS | GILUA_LIB_PROCESSES)) != 0) {
    lua_pushinteger(L, allowed);
    lua_pushcclosure(L, open_allowed_futures, 1);
    lua_setfield(L, -2, "gilua.futures");
  }
  lua_settop(L, 0);
}
