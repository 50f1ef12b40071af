/* os.execute, os.remove, os.rename, os.tmpname: as the standard functions, without the lock. */
#include <errno.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "runtime/io/child.h"
#include "runtime/io/lib_io.h"

static int os_execute(lua_State *L) {
  const char *command = luaL_optstring(L, 1, NULL);
  if (command == NULL) {
    lua_pushboolean(L, access("/bin/sh", X_OK) == 0);
    return 1;
  }
  Tstate *ts = park_self(L);
  child_reap_abandoned(L);
  pid_t pid;
  int status = 0, err = child_start(ts, command, -1, -1, &pid);
  if (err == 0) {
    ParkResult result = child_wait(ts, pid, &status, &err);
    if (result != PARK_GRANTED) {
      child_abandon(L, pid);
      park_check(L, ts, result);
    }
  }
  errno = err;
  return luaL_execresult(L, err != 0 ? -1 : status);
}

static int os_remove(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  Tstate *ts = park_self(L);
  blocking_begin_brief(ts, "remove");
  int failed = remove(name);
  blocking_end(ts);
  return luaL_fileresult(L, failed == 0, name);
}

static int os_rename(lua_State *L) {
  const char *from = luaL_checkstring(L, 1), *to = luaL_checkstring(L, 2);
  Tstate *ts = park_self(L);
  blocking_begin_brief(ts, "rename");
  int failed = rename(from, to);
  blocking_end(ts);
  return luaL_fileresult(L, failed == 0, NULL);
}

static int os_tmpname(lua_State *L) {
  char name[] = "/tmp/lua_XXXXXX";
  Tstate *ts = park_self(L);
  blocking_begin_brief(ts, "tmpname");
  int fd = mkstemp(name);
  if (fd >= 0) close(fd);
  blocking_end(ts);
  if (fd < 0) return luaL_error(L, "unable to generate a unique filename");
  lua_pushstring(L, name);
  return 1;
}

void lib_command_replace(lua_State *L) {
  static const luaL_Reg funcs[] = {
      {"execute", os_execute}, {"remove", os_remove}, {"rename", os_rename}, {"tmpname", os_tmpname}, {NULL, NULL},
  };
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (lua_getfield(L, -1, LUA_OSLIBNAME) == LUA_TTABLE) luaL_setfuncs(L, funcs, 0);
  lua_pop(L, 2);
}
