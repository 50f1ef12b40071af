/* loadfile and dofile: as the standard functions, but a file is read without the lock before it is compiled. */
#include <errno.h>
#include <lualib.h>
#include <string.h>

#include "runtime/io/lib_io.h"

/* Pushes the contents of the file, or of stdin if name is NULL; false: a message. */
static bool push_contents(lua_State *L, const char *name) {
  if (name == NULL) {
    lua_getfield(L, LUA_REGISTRYINDEX, LIB_IO_STDIN);
  } else if (!file_open(L, name, "r")) {
    lua_pushfstring(L, "cannot open %s: %s", name, strerror(errno));
    return false;
  }
  int handle = lua_gettop(L);
  lua_pushliteral(L, "a");
  if (file_read(L, handle, lua_gettop(L), 1) > 1) {
    lua_pushfstring(L, "cannot read %s: %s", name != NULL ? name : "stdin", lua_tostring(L, -2));
    return false;
  }
  if (name != NULL) {
    lua_pushcfunction(L, file_close); /* where scripts may have no files, handles have no methods */
    lua_pushvalue(L, handle);
    lua_call(L, 1, 0);
  }
  return true;
}

/* Where the chunk begins: behind a mark of UTF-8 and, of a first line with '#', at its newline, or behind that if the
 * chunk is binary. */
static const char *skip_start(const char *text, const char *end, bool binary) {
  static const char mark[] = "\xEF\xBB\xBF";
  if (end - text >= 3 && memcmp(text, mark, 3) == 0) text += 3;
  if (text == end || *text != '#') return text;
  const char *newline = memchr(text, '\n', (size_t)(end - text));
  if (newline == NULL) return end;
  return binary && newline + 1 < end && newline[1] == LUA_SIGNATURE[0] ? newline + 1 : newline;
}

/* luaL_loadfilex; pushes the chunk or the message. */
static bool load_file(lua_State *L, const char *name, const char *mode) {
  int top = lua_gettop(L);
  luaL_checkstack(L, 8, NULL);
  bool good = push_contents(L, name);
  if (good) {
    size_t n;
    const char *text = lua_tolstring(L, -1, &n), *start = skip_start(text, text + n, name != NULL);
    const char *chunk = name != NULL ? lua_pushfstring(L, "@%s", name) : "=stdin";
    good = luaL_loadbufferx(L, start, (size_t)(text + n - start), chunk, mode) == LUA_OK;
  }
  lua_replace(L, top + 1);
  lua_settop(L, top + 1);
  return good;
}

int lib_io_load(lua_State *L, const char *name) {
  return load_file(L, name, NULL) ? LUA_OK : LUA_ERRSYNTAX;
}

/* loadfile and dofile; modes: what this one takes, "bt" or "t". */
static int loadfile_of(lua_State *L, const char *modes) {
  const char *name = luaL_optstring(L, 1, NULL), *mode = luaL_optstring(L, 2, "bt");
  bool has_env = !lua_isnone(L, 3);
  if (strchr(modes, 'b') == NULL) mode = strchr(mode, 't') != NULL ? "t" : "";
  if (!load_file(L, name, mode)) {
    luaL_pushfail(L);
    lua_insert(L, -2);
    return 2;
  }
  if (has_env) {
    lua_pushvalue(L, 3);
    if (lua_setupvalue(L, -2, 1) == NULL) lua_pop(L, 1);
  }
  return 1;
}

static int dofile_continue(lua_State *L, int status, lua_KContext context) {
  (void)status, (void)context;
  return lua_gettop(L) - 1;
}

static int dofile_of(lua_State *L, const char *modes) {
  const char *name = luaL_optstring(L, 1, NULL);
  lua_settop(L, 1);
  if (!load_file(L, name, modes)) return lua_error(L);
  lua_callk(L, 0, LUA_MULTRET, 0, dofile_continue);
  return dofile_continue(L, LUA_OK, 0);
}

static int base_loadfile(lua_State *L) { return loadfile_of(L, "bt"); }
static int base_dofile(lua_State *L) { return dofile_of(L, "bt"); }
static int text_loadfile(lua_State *L) { return loadfile_of(L, "t"); }
static int text_dofile(lua_State *L) { return dofile_of(L, "t"); }

static void replace(lua_State *L, const luaL_Reg *funcs) {
  lua_pushglobaltable(L);
  luaL_setfuncs(L, funcs, 0);
  lua_pop(L, 1);
}

void lib_load_replace(lua_State *L) {
  static const luaL_Reg funcs[] = {{"dofile", base_dofile}, {"loadfile", base_loadfile}, {NULL, NULL}};
  replace(L, funcs);
}

void lib_load_confine(lua_State *L) {
  static const luaL_Reg funcs[] = {{"dofile", text_dofile}, {"loadfile", text_loadfile}, {NULL, NULL}};
  replace(L, funcs);
}
