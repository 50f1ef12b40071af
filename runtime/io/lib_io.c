/* io.*: as the standard library, over the methods of lib_file.c. */
#include <errno.h>
#include <fcntl.h>
#include <lualib.h>
#include <stdio_ext.h>
#include <string.h>
#include <unistd.h>

#include "runtime/io/child.h"
#include "runtime/io/lib_io.h"
#include "runtime/io/write.h"

/* Pushes the default file, which is open. */
static luaL_Stream *push_default(lua_State *L, const char *which) {
  lua_getfield(L, LUA_REGISTRYINDEX, which);
  luaL_Stream *p = lua_touserdata(L, -1);
  if (p->closef == NULL) luaL_error(L, "default %s file is closed", which + strlen("_IO_"));
  return p;
}

static int io_close(lua_State *L) {
  if (lua_isnone(L, 1)) lua_getfield(L, LUA_REGISTRYINDEX, FILE_OUTPUT);
  file_check(L, 1);
  return file_close(L);
}

static int io_flush(lua_State *L) {
  push_default(L, FILE_OUTPUT);
  return file_flush(L, lua_gettop(L));
}

static void open_or_raise(lua_State *L, const char *name, const char *mode) {
  if (!file_open(L, name, mode)) luaL_error(L, "cannot open file '%s' (%s)", name, strerror(errno));
}

/* io.input and io.output: sets the default file, if there is an argument, and returns it */
static int default_file(lua_State *L, const char *which, const char *mode) {
  if (!lua_isnoneornil(L, 1)) {
    const char *name = lua_tostring(L, 1);
    if (name != NULL) {
      open_or_raise(L, name, mode);
    } else {
      file_check(L, 1);
      lua_pushvalue(L, 1);
    }
    lua_setfield(L, LUA_REGISTRYINDEX, which);
  }
  lua_getfield(L, LUA_REGISTRYINDEX, which);
  return 1;
}

static int io_input(lua_State *L) { return default_file(L, FILE_INPUT, "r"); }

static int io_output(lua_State *L) { return default_file(L, FILE_OUTPUT, "w"); }

static int io_lines(lua_State *L) {
  if (lua_isnone(L, 1)) lua_pushnil(L);
  bool named = !lua_isnil(L, 1);
  if (named) {
    open_or_raise(L, luaL_checkstring(L, 1), "r");
  } else {
    lua_getfield(L, LUA_REGISTRYINDEX, FILE_INPUT);
  }
  lua_replace(L, 1);
  file_check(L, 1);
  file_lines(L, named);
  if (!named) return 1;
  lua_pushnil(L);
  lua_pushnil(L);
  lua_pushvalue(L, 1); /* the fourth value of a generic for is closed */
  return 4;
}

static bool mode_is_good(const char *mode) {
  if (mode[0] == '\0' || strchr("rwa", mode[0]) == NULL) return false;
  mode++;
  if (mode[0] == '+') mode++;
  return strspn(mode, "b") == strlen(mode);
}

static int io_open(lua_State *L) {
  const char *name = luaL_checkstring(L, 1), *mode = luaL_optstring(L, 2, "r");
  luaL_argcheck(L, mode_is_good(mode), 2, "invalid mode");
  return file_open(L, name, mode) ? 1 : luaL_fileresult(L, 0, name);
}

/* What this process has printed comes before what the child does. */
static void flush_all(lua_State *L, Tstate *ts) {
  StreamCall c;
  lua_getfield(L, LUA_REGISTRYINDEX, LIB_IO_STDOUT);
  luaL_Stream *p = lua_touserdata(L, -1);
  stream_begin(L, &c, p, stream_of(L, -1));
  StreamResult result = write_drain(&c);
  stream_end(&c);
  stream_check(L, &c, result);
  lua_pop(L, 1);
  blocking_begin_brief(ts, "flush");
  fflush(NULL);
  blocking_end(ts);
}

/* Makes the pipe and starts the command. Returns 0 or an errno. */
static int open_command(const Tstate *ts, const char *command, bool reads, FILE **f, pid_t *child) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return errno;
  int ours = ends[reads ? 0 : 1], theirs = ends[reads ? 1 : 0], err = 0;
  *f = fdopen(ours, reads ? "r" : "w");
  if (*f == NULL) err = errno;
  if (err == 0) err = child_start(ts, command, theirs, reads ? STDOUT_FILENO : STDIN_FILENO, child);
  close(theirs);
  if (err == 0) return 0;
  if (*f != NULL) fclose(*f);
  else close(ours);
  *f = NULL;
  return err;
}

static int io_popen(lua_State *L) {
  const char *command = luaL_checkstring(L, 1), *mode = luaL_optstring(L, 2, "r");
  luaL_argcheck(L, (mode[0] == 'r' || mode[0] == 'w') && mode[1] == '\0', 2, "invalid mode");
  Tstate *ts = park_self(L);
  luaL_Stream *p = stream_push_handle(L);
  flush_all(L, ts);
  child_reap_abandoned(L);
  Stream *s = stream_of(L, -1);
  int err = open_command(ts, command, mode[0] == 'r', &p->f, &s->child);
  s->opened = true;
  p->closef = file_pclose;
  errno = err;
  return err == 0 ? 1 : luaL_fileresult(L, 0, command);
}

static int io_read(lua_State *L) {
  int n = lua_gettop(L);
  push_default(L, FILE_INPUT);
  return file_read(L, n + 1, 1, n);
}

static int io_tmpfile(lua_State *L) {
  Tstate *ts = park_self(L);
  luaL_Stream *p = stream_push_handle(L);
  blocking_begin_brief(ts, "open");
  FILE *f = tmpfile();
  blocking_end(ts);
  p->f = f;
  p->closef = file_fclose;
  return f != NULL ? 1 : luaL_fileresult(L, 0, NULL);
}

static int io_type(lua_State *L) {
  luaL_checkany(L, 1);
  luaL_Stream *p = luaL_testudata(L, 1, LUA_FILEHANDLE);
  if (p == NULL) luaL_pushfail(L);
  else lua_pushstring(L, p->closef == NULL ? "closed file" : "file");
  return 1;
}

static int io_write(lua_State *L) {
  int n = lua_gettop(L);
  push_default(L, FILE_OUTPUT);
  return file_write(L, n + 1, 1, n);
}

static int keep_open(lua_State *L) {
  luaL_Stream *p = lua_touserdata(L, 1);
  p->closef = keep_open;
  stream_forget(stream_of(L, 1)); /* it may be about to be collected */
  luaL_pushfail(L);
  lua_pushliteral(L, "cannot close standard file");
  return 2;
}

/* Makes the handle of a standard file, in the table on top of the stack. */
static void add_standard(lua_State *L, FILE *f, const char *field, const char *which) {
  luaL_Stream *p = stream_push_handle(L);
  p->f = f;
  p->closef = keep_open;
  if (which != NULL) {
    lua_pushvalue(L, -1);
    lua_setfield(L, LUA_REGISTRYINDEX, which);
  }
  lua_setfield(L, -2, field);
}

void lib_io_finish(lua_State *L) {
  StreamCall c;
  if (lua_getfield(L, LUA_REGISTRYINDEX, LIB_IO_STDOUT) == LUA_TUSERDATA) {
    luaL_Stream *p = lua_touserdata(L, -1);
    stream_begin(L, &c, p, stream_of(L, -1));
    if (write_drain(&c) == STREAM_STOPPED) __fpurge(p->f);
    stream_end(&c);
  }
  lua_pop(L, 1);
}

void lib_io_replace(lua_State *L) {
  static const luaL_Reg funcs[] = {
      {"close", io_close}, {"flush", io_flush}, {"input", io_input},     {"lines", io_lines}, {"open", io_open},
      {"output", io_output}, {"popen", io_popen}, {"read", io_read}, {"tmpfile", io_tmpfile}, {"type", io_type},
      {"write", io_write}, {NULL, NULL},
  };
  lib_file_replace(L);
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, -1, LUA_IOLIBNAME);
  add_standard(L, stdin, "stdin", FILE_INPUT);
  add_standard(L, stdout, "stdout", FILE_OUTPUT);
  add_standard(L, stderr, "stderr", NULL);
  lua_getfield(L, -1, "stdin");
  lua_setfield(L, LUA_REGISTRYINDEX, LIB_IO_STDIN);
  lua_getfield(L, -1, "stdout");
  lua_setfield(L, LUA_REGISTRYINDEX, LIB_IO_STDOUT);
  luaL_setfuncs(L, funcs, 0);
  lua_pop(L, 2);
  lib_print_replace(L);
  lib_command_replace(L);
  lib_load_replace(L);
  lib_search_replace(L);
}
