/* What scripts reach with each bit of gilua_Config.libraries, alone and in pairs: everything that hangs off the globals, loaded
 * and preloaded modules and metatables, and with debug off upvalues and the registry. Functions are known by their address in a
 * runtime that has all. */
#include "host.h"

enum { MOST = 2000, SEEN = 1, LIST = 2, PATHS = 3 };

/* Who may have it: some bit of `any`, and all of `all`. The first rule whose path is a beginning counts; what no rule names is
 * everybody's. */
typedef struct Rule {
  const char *path;
  unsigned any, all;
} Rule;

static const Rule rules[] = {
    {"_G.loadfile", 0, GILUA_LIB_BYTECODE | GILUA_LIB_IO}, {"_G.dofile", 0, GILUA_LIB_BYTECODE | GILUA_LIB_IO},
    {"_G.load", 0, GILUA_LIB_BYTECODE}, /* the standard one; another by that name takes its place */
    {"string.dump", 0, GILUA_LIB_BYTECODE}, {"debug.traceback", 0, 0}, {"debug.", 0, GILUA_LIB_DEBUG},
    {"io.type", GILUA_LIB_IO | GILUA_LIB_PROCESSES, 0}, {"io.popen", 0, GILUA_LIB_PROCESSES},
    {"io.stdout<mt>.__index", GILUA_LIB_IO | GILUA_LIB_PROCESSES, 0}, {"io.stdout<mt>", 0, 0}, {"io.stderr<mt>", 0, 0},
    {"io.stdin<mt>", 0, 0}, {"io.", 0, GILUA_LIB_IO},
    {"os.execute", 0, GILUA_LIB_PROCESSES}, {"os.exit", 0, GILUA_LIB_PROCESSES}, {"os.getenv", 0, GILUA_LIB_PROCESSES},
    {"os.setlocale", 0, GILUA_LIB_PROCESSES}, {"os.remove", 0, GILUA_LIB_IO}, {"os.rename", 0, GILUA_LIB_IO},
    {"os.tmpname", 0, GILUA_LIB_IO}, {"package.loadlib", 0, GILUA_LIB_PACKAGES},
    {"package.searchpath", 0, GILUA_LIB_PACKAGES}, {"package.searchers.1", 0, 0},
    {"package.searchers.", 0, GILUA_LIB_PACKAGES}, {"gilua.threading", 0, GILUA_LIB_THREADS},
    {"gilua.queue", 0, GILUA_LIB_THREADS}, {"gilua.futures.ThreadPoolExecutor", 0, GILUA_LIB_THREADS},
    {"gilua.futures.ProcessPoolExecutor", 0, GILUA_LIB_PROCESSES},
    {"gilua.futures.GearmanExecutor", GILUA_LIB_THREADS | GILUA_LIB_PROCESSES, GILUA_LIB_SOCKETS},
    {"gilua.futures.task_key", GILUA_LIB_THREADS | GILUA_LIB_PROCESSES, GILUA_LIB_SOCKETS},
    {"gilua.futures", GILUA_LIB_THREADS | GILUA_LIB_PROCESSES, 0}, {"gilua.gil", 0, GILUA_LIB_IO},
    {"gilua.native", 0, GILUA_LIB_NATIVE}, {"gilua.ctypes", 0, GILUA_LIB_CTYPES}, {"gilua.socket", 0, GILUA_LIB_SOCKETS},
    {"gilua.multiprocessing", 0, GILUA_LIB_PROCESSES}, {"gilua.pickle.loads", 0, GILUA_LIB_PROCESSES | GILUA_LIB_BYTECODE},
    {"gilua.pickle", 0, GILUA_LIB_PROCESSES}, {"gilua.signal", 0, GILUA_LIB_PROCESSES}, {NULL, 0, 0},
};

static const char *const modules[] = {
    "string", "io", "os", "package", "debug", "table", "math", "coroutine", "utf8", "gilua", "gilua.time",
    "gilua.threading", "gilua.queue", "gilua.futures", "gilua.gil", "gilua.native", "gilua.ctypes", "gilua.socket",
    "gilua.multiprocessing", "gilua.pickle", "gilua.signal", NULL,
};

/* A C function of the runtime that has all. */
typedef struct Known {
  lua_CFunction f;
  char path[120];
  bool seen; /* in the runtime that is looked at */
} Known;

static Known known[MOST];
static int nknown;

static const Rule *rule_of(const char *path) {
  static const Rule nobody = {NULL, 0, 0};
  for (const Rule *r = rules; r->path != NULL; r++)
    if (strncmp(path, r->path, strlen(r->path)) == 0) return r;
  return &nobody;
}

static bool may(const Rule *r, unsigned allowed) {
  return (r->all & allowed) == r->all && (r->any == 0 || (r->any & allowed) != 0);
}

/* Adds the value on top to what is to be walked, and pops it. */
static void add(lua_State *L, const char *path) {
  int type = lua_type(L, -1);
  lua_pushvalue(L, -1);
  bool old = type < LUA_TTABLE || lua_rawget(L, SEEN) != LUA_TNIL;
  lua_pop(L, 1);
  if (old) {
    lua_pop(L, 1);
    return;
  }
  lua_Integer n = (lua_Integer)lua_rawlen(L, LIST) + 1;
  lua_pushvalue(L, -1);
  lua_pushboolean(L, 1);
  lua_rawset(L, SEEN);
  lua_rawseti(L, LIST, n);
  lua_pushstring(L, path);
  lua_rawseti(L, PATHS, n);
}

static void add_fields(lua_State *L, const char *path) {
  for (lua_pushnil(L); lua_next(L, 4) != 0;) {
    lua_pushvalue(L, -2);
    const char *name = lua_type(L, -1) == LUA_TSTRING || lua_isinteger(L, -1) ? lua_tostring(L, -1) : "#";
    const char *field = lua_pushfstring(L, "%s.%s", path, name);
    lua_pushvalue(L, -3);
    add(L, field);
    lua_pushvalue(L, -4); /* the key may be an object, too */
    add(L, field);
    lua_pop(L, 3);
  }
}

/* What hangs off the value at index 4; deep: as debug shows it. */
static void add_what_hangs_off(lua_State *L, const char *path, bool deep) {
  if (lua_istable(L, 4)) add_fields(L, path);
  if (lua_getmetatable(L, 4)) {
    bool hidden = lua_getfield(L, -1, "__metatable") != LUA_TNIL;
    lua_pop(L, 1);
    const char *meta = lua_pushfstring(L, "%s<mt>", path);
    lua_pushvalue(L, -2);
    if (deep || !hidden) add(L, meta);
  }
  for (int i = 1; deep && lua_isfunction(L, 4) && lua_getupvalue(L, 4, i) != NULL; i++) add(L, path);
  for (int i = 1; deep && lua_isuserdata(L, 4) && lua_type(L, 4) == LUA_TUSERDATA && i < 8; i++) {
    lua_getiuservalue(L, 4, i);
    add(L, path);
  }
  lua_settop(L, 4);
}

static void note(lua_CFunction f, const char *path, bool is_all) {
  for (int i = 0; i < nknown; i++) {
    if (known[i].f != f) continue;
    known[i].seen = true;
    return;
  }
  if (!is_all || nknown == MOST) return;
  known[nknown].f = f;
  snprintf(known[nknown++].path, sizeof known[0].path, "%s", path);
}

/* walk(allowed) notes every C function that a script reaches. */
static int walk(lua_State *L) {
  unsigned allowed = (unsigned)lua_tointeger(L, 1);
  bool is_all = allowed == GILUA_LIB_ALL, deep = !is_all && (allowed & GILUA_LIB_DEBUG) != 0;
  lua_settop(L, 0);
  for (int i = 0; i < 3; i++) lua_newtable(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  for (int i = 0; modules[i] != NULL; i++) {
    lua_getfield(L, 4, modules[i]);
    add(L, modules[i]);
  }
  lua_settop(L, 3);
  lua_pushglobaltable(L);
  add(L, "_G");
  lua_pushliteral(L, "");
  if (lua_getmetatable(L, -1)) add(L, "string<mt>");
  lua_settop(L, 3);
  if (deep) {
    lua_pushvalue(L, LUA_REGISTRYINDEX);
    add(L, "registry");
  }
  for (lua_Integer i = 1; i <= (lua_Integer)lua_rawlen(L, LIST); i++) {
    lua_settop(L, 3);
    lua_rawgeti(L, LIST, i);
    lua_rawgeti(L, PATHS, i);
    char path[200];
    snprintf(path, sizeof path, "%s", lua_tostring(L, -1));
    lua_pop(L, 1);
    if (lua_iscfunction(L, 4)) note(lua_tocfunction(L, 4), path, is_all);
    add_what_hangs_off(L, path, deep);
  }
  return 0;
}

static void look(unsigned allowed) {
  gilua_Config config = {.libraries = allowed};
  gilua_Runtime *rt = opened(&config);
  lua_State *L;
  alarm(300);
  CHECK(rt != NULL);
  for (int i = 0; i < nknown; i++) known[i].seen = false;
  for (int i = 0; modules[i] != NULL; i++) {
    char code[80];
    snprintf(code, sizeof code, "pcall(require, '%s')", modules[i]);
    CHECK(runs(rt, code));
  }
  CHECK(gilua_enter(rt, &L) == 0);
  lua_pushcfunction(L, walk);
  lua_pushinteger(L, allowed);
  check_lua(L, lua_pcall(L, 1, 0, 0));
  gilua_leave(rt, L);
  CHECK(gilua_close(rt) == 0);
}

/* Nothing but what the bits give; one bit alone gives all that it owns. */
static bool is_right(unsigned allowed, bool alone) {
  bool good = true;
  look(allowed);
  for (int i = 0; i < nknown; i++) {
    const Rule *r = rule_of(known[i].path);
    if (known[i].seen && !may(r, allowed)) {
      printf("# with %#x a script reaches %s\n", allowed, known[i].path);
      good = false;
    }
    if (alone && !known[i].seen && r->path != NULL && may(r, allowed) && strchr(known[i].path, '<') == NULL) {
      printf("# with %#x no script reaches %s\n", allowed, known[i].path);
      good = false;
    }
  }
  return good;
}

static void test_each_bit(void) {
  bool good = is_right(GILUA_LIB_SAFE, true);
  for (unsigned bit = GILUA_LIB_THREADS; bit <= GILUA_LIB_SOCKETS; bit <<= 1) good = is_right(bit, true) && good;
  CHECK(good && nknown > 200);
}

static void test_pairs(void) {
  bool good = true;
  for (unsigned a = GILUA_LIB_THREADS; a <= GILUA_LIB_SOCKETS; a <<= 1)
    for (unsigned b = a << 1; b <= GILUA_LIB_SOCKETS; b <<= 1) good = is_right(a | b, false) && good;
  CHECK(good);
}

/* Scripts may call what hangs off metatables and iterators with anything. */
static void test_functions_that_lua_calls(void) {
  static const char *const calls[] = {
      "assert(not pcall(getmetatable(require 'gilua').__index, 1, 'time'))",
      "assert(not pcall((pairs(require 'gilua.threading'.Local())), 5))",
      "assert(not pcall(getmetatable(require 'gilua.socket').__index, 1, 'http'))",
  };
  gilua_Config config = {.libraries = GILUA_LIB_SAFE | GILUA_LIB_THREADS | GILUA_LIB_SOCKETS};
  gilua_Runtime *rt = opened(&config);
  for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) CHECK(runs(rt, calls[i]));
  CHECK(gilua_close(rt) == 0);
}

static void test_bytecode(void) {
  static const char *const codes[] = {
      "assert(debug.getupvalue(load, 1) == nil)",
      "assert(debug.getupvalue(loadfile, 1) == nil and not loadfile('/dev/null', 'b') and loadfile('/dev/null', 'bt'))",
      "local p = require 'gilua.pickle' local s = p.dumps(function() end) "
      "local ok, e = pcall(p.loads, s, {functions = true}) assert(not ok and e:find 'BYTECODE', e)"
      "assert(p.loads(p.dumps{1, 2})[2] == 2)",
  };
  gilua_Config config = {.libraries = GILUA_LIB_DEBUG | GILUA_LIB_IO | GILUA_LIB_PROCESSES};
  gilua_Runtime *rt = opened(&config);
  for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) CHECK(runs(rt, codes[i]));
  CHECK(gilua_close(rt) == 0);
}

int main(void) {
  TEST("a runtime that has all is known", look(GILUA_LIB_ALL); CHECK(nknown > 200););
  TEST("each bit of libraries gives what it says, and nothing else", test_each_bit(););
  TEST("two bits give what each of them does", test_pairs(););
  TEST("functions that Lua calls take no wrong arguments from scripts", test_functions_that_lua_calls(););
  TEST("nothing else takes bytecode where load does not", test_bytecode(););
  return check_failures != 0;
}
