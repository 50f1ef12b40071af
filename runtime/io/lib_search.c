/* package.searchpath, and the searcher of package.searchers that loads Lua files: as the standard functions, but files are
 * tried and read without the lock. Upvalues of the searcher: package, and its first searchpath. */
#include <fcntl.h>
#include <lualib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/io/lib_io.h"

#define TEMPLATES ";"
#define MARK "?"

static bool is_readable(Tstate *ts, const char *file) {
  blocking_begin_brief(ts, "open");
  int fd = open(file, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* a FIFO is readable though nobody writes yet */
  if (fd >= 0) close(fd);
  blocking_end(ts);
  return fd >= 0;
}

/* Pushes the first file of `files`, a list in one string, that can be read; false: pushes nothing. */
static bool find_readable(lua_State *L, const char *files) {
  Tstate *ts = park_self(L);
  while (*files != '\0') {
    size_t n = strcspn(files, TEMPLATES);
    const char *file = lua_pushlstring(L, files, n);
    if (is_readable(ts, file)) return true;
    lua_pop(L, 1);
    files += n;
    if (*files != '\0') files++;
  }
  return false;
}

/* package.searchpath(name, path [, sep [, rep]]) -> the file, or nil and a message with all that were tried */
static int package_searchpath(lua_State *L) {
  const char *name = luaL_checkstring(L, 1), *path = luaL_checkstring(L, 2);
  const char *sep = luaL_optstring(L, 3, "."), *rep = luaL_optstring(L, 4, LUA_DIRSEP);
  if (*sep != '\0' && strchr(name, *sep) != NULL) name = luaL_gsub(L, name, sep, rep);
  const char *files = luaL_gsub(L, path, MARK, name);
  if (find_readable(L, files)) return 1;
  files = luaL_gsub(L, files, TEMPLATES, "'\n\tno file '");
  luaL_pushfail(L);
  lua_pushfstring(L, "no file '%s'", files);
  return 2;
}

static int search_lua(lua_State *L) {
  luaL_checkstring(L, 1);
  lua_settop(L, 1);
  lua_pushcfunction(L, package_searchpath);
  lua_pushvalue(L, 1);
  lua_getfield(L, lua_upvalueindex(1), "path");
  if (lua_tostring(L, -1) == NULL) return luaL_error(L, "'package.path' must be a string");
  lua_call(L, 2, 2);
  if (lua_isnil(L, -2)) return 1; /* the message */
  lua_pop(L, 1);
  const char *name = lua_tostring(L, -1);
  if (lib_io_load(L, name) != LUA_OK)
    return luaL_error(L, "error loading module '%s' from file '%s':\n\t%s", lua_tostring(L, 1), name,
                      lua_tostring(L, -1));
  lua_pushstring(L, name);
  return 2;
}

enum { LUA_SEARCHER = 2 };

void lib_search_replace(lua_State *L) {
  int top = lua_gettop(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, -1, LUA_LOADLIBNAME);
  lua_pushcfunction(L, package_searchpath);
  lua_setfield(L, -2, "searchpath");
  lua_getfield(L, -1, "searchers");
  lua_pushvalue(L, -2);
  lua_pushcclosure(L, search_lua, 1);
  lua_rawseti(L, -2, LUA_SEARCHER);
  lua_settop(L, top);
}
