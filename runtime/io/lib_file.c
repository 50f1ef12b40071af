/* Files: the methods of handles, and what they share with io.*.
 *
 *   file:read(…)  file:write(…)  file:lines(…)  file:seek([whence [, offset]])  file:setvbuf(mode [, size])
 *   file:flush()  file:close()
 *
 * Behaviour and messages are those of the Lua 5.4 manual and its library; close of a file that another thread is using
 * gives nil, "file is in use".
 */
#include <errno.h>
#include <lualib.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <unistd.h>
#include <sys/wait.h>

#include "runtime/io/child.h"
#include "runtime/io/lib_io.h"
#include "runtime/io/read.h"
#include "runtime/io/write.h"
#include "runtime/state/finalizer.h"
#include "runtime/state/request.h"

enum { LINES_FORMATS_MAX = 250, NUMBER_TEXT_MAX = 64, SPILL_KEPT = 65536 };

static luaL_Stream *check_handle(lua_State *L, int i) {
  luaL_Stream *p = stream_ours(L, i);
  return p != NULL ? p : luaL_checkudata(L, i, LUA_FILEHANDLE);
}

luaL_Stream *file_check(lua_State *L, int i) {
  luaL_Stream *p = check_handle(L, i);
  if (p->closef == NULL) luaL_error(L, "attempt to use a closed file");
  return p;
}

/* Opening */

/* fopen of a named pipe waits for the other end. Who wants to end that opens it. */
typedef struct Opening {
  const char *name, *mode;
  FILE *f;
  int other_end;
} Opening;

static void open_fifo(void *arg) {
  Opening *o = arg;
  o->f = fopen(o->name, o->mode);
}

static void open_other_end(void *arg) {
  Opening *o = arg;
  o->other_end = open(o->name, O_RDWR | O_NONBLOCK | O_CLOEXEC);
}

static FILE *open_fifo_or_stop(lua_State *L, Tstate *ts, const char *name, const char *mode) {
  Opening o = {.name = name, .mode = mode, .other_end = -1};
  ParkResult result = blocking_call(ts, "open", open_fifo, &o, open_other_end, &o);
  if (o.other_end >= 0) {
    close(o.other_end);
    if (o.f != NULL) fclose(o.f);
    result = PARK_REQUESTED;
  }
  if (result == PARK_REQUESTED) request_raise(L, ts);
  return o.f;
}

bool file_open(lua_State *L, const char *name, const char *mode) {
  Tstate *ts = park_self(L);
  luaL_Stream *p = stream_push_handle(L);
  struct stat st;
  blocking_begin_brief(ts, "open");
  bool fifo = stat(name, &st) == 0 && S_ISFIFO(st.st_mode);
  FILE *f = fifo ? NULL : fopen(name, mode);
  blocking_end(ts);
  if (fifo) f = open_fifo_or_stop(L, ts, name, mode);
  p->f = f;
  p->closef = file_fclose;
  stream_of(L, -1)->opened = fifo;
  return f != NULL;
}

/* Closing */

/* Closes the FILE even if what is pending cannot be written. Returns 0 or an errno; *stopped: a request ended it. */
static int close_file(lua_State *L, StreamCall *c, luaL_Stream *p, Stream *s, StreamResult *result) {
  int err = 0;
  stream_begin_close(L, c, p->f, s);
  *result = waits_forbidden(c->ts) ? STREAM_OK : write_drain(c); /* a finalizer lets fclose wait, as the standard library does */
  if (*result == STREAM_FAILED) err = errno;
  if (*result == STREAM_STOPPED) __fpurge(p->f);
  stream_let(c);
  blocking_begin_brief(c->ts, "close");
  if (fclose(p->f) != 0) err = errno;
  blocking_end(c->ts);
  stream_end(c);
  stream_forget(s);
  p->f = NULL;
  return err;
}

int file_fclose(lua_State *L) {
  luaL_Stream *p = check_handle(L, 1);
  StreamCall c;
  StreamResult result;
  int err = close_file(L, &c, p, stream_of(L, 1), &result);
  stream_check(L, &c, result);
  errno = err;
  return luaL_fileresult(L, err == 0, NULL);
}

/* The child of a pipe that is closed goes on: a finalizer of one thread among many does not wait for it. */
static int leave_child(lua_State *L, const StreamCall *c, pid_t child, ParkResult result) {
  int status;
  if (result == PARK_FORBIDDEN && c->ts->rt->nthreads == 1) {
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    return 0;
  }
  child_abandon(L, child);
  park_check(L, c->ts, result);
  return 0;
}

int file_pclose(lua_State *L) {
  luaL_Stream *p = check_handle(L, 1);
  Stream *s = stream_of(L, 1);
  StreamCall c;
  StreamResult closed;
  int status = 0, err = 0;
  pid_t child = s->child;
  close_file(L, &c, p, s, &closed);
  ParkResult result = closed == STREAM_STOPPED ? c.park : child_wait(c.ts, child, &status, &err);
  if (result != PARK_GRANTED) return leave_child(L, &c, child, result);
  errno = err;
  return luaL_execresult(L, err != 0 ? -1 : status);
}

int file_close(lua_State *L) {
  luaL_Stream *p = lua_touserdata(L, 1);
  if (stream_in_use(stream_of(L, 1))) {
    luaL_pushfail(L);
    lua_pushliteral(L, "file is in use");
    return 2;
  }
  lua_CFunction closef = p->closef;
  p->closef = NULL; /* from here on it is closed for everybody */
  return closef(L);
}

static int f_close(lua_State *L) {
  file_check(L, 1);
  return file_close(L);
}

/* __gc and __close */
static int f_gc(lua_State *L) {
  luaL_Stream *p = check_handle(L, 1);
  if (p->closef != NULL && p->f != NULL) file_close(L);
  return 0;
}

static int f_tostring(lua_State *L) {
  luaL_Stream *p = check_handle(L, 1);
  if (p->closef == NULL) lua_pushliteral(L, "file (closed)");
  else lua_pushfstring(L, "file (%p)", p->f);
  return 1;
}

/* Reading */

static StreamResult push_bytes(lua_State *L, StreamCall *c, StreamResult result, ReadBytes bytes) {
  stream_end(c);
  stream_check(L, c, result);
  lua_pushlstring(L, bytes.data, result == STREAM_OK ? bytes.n : 0);
  if (c->s->room > SPILL_KEPT) stream_forget(c->s);
  return result;
}

static StreamResult push_line(lua_State *L, StreamCall *c, bool chop) {
  ReadBytes line;
  StreamResult result = read_line(c, &line);
  if (chop && line.n > 0 && line.data[line.n - 1] == '\n') line.n--;
  return push_bytes(L, c, result, line);
}

static StreamResult push_rest(lua_State *L, StreamCall *c) {
  ReadBytes rest = {"", 0};
  StreamResult result = read_rest(c, &rest);
  return push_bytes(L, c, result, rest);
}

static StreamResult push_block(lua_State *L, StreamCall *c, size_t n) {
  ReadBytes block = {"", 0};
  StreamResult result = n == 0 ? read_probe(c) : read_block(c, n, &block);
  return push_bytes(L, c, result, block);
}

static StreamResult push_number(lua_State *L, StreamCall *c) {
  char text[READ_NUMERAL_MAX + 1];
  StreamResult result = read_numeral(c, text);
  stream_end(c);
  stream_check(L, c, result);
  if (result == STREAM_OK && lua_stringtonumber(L, text) != 0) return STREAM_OK;
  lua_pushnil(L);
  return result == STREAM_OK ? STREAM_END : result;
}

/* Reads and pushes what the format at index i says, or a line without its end if i is 0. */
static StreamResult push_item(lua_State *L, StreamCall *c, luaL_Stream *p, Stream *s, int i) {
  const char *format = "l";
  size_t block = 0;
  bool number = i != 0 && lua_type(L, i) == LUA_TNUMBER;
  if (number) {
    block = (size_t)luaL_checkinteger(L, i);
  } else if (i != 0) {
    format = luaL_checkstring(L, i);
    if (format[0] == '*') format++;
    if (format[0] == '\0' || strchr("nlLa", format[0]) == NULL) luaL_argerror(L, i, "invalid format");
  }
  stream_begin(L, c, p, s);
  if (c->amid) park_check(L, c->ts, PARK_FORBIDDEN);
  if (number) return push_block(L, c, block);
  switch (format[0]) {
    case 'n': return push_number(L, c);
    case 'a': return push_rest(L, c);
    default: return push_line(L, c, format[0] == 'l');
  }
}

/* "a" gives what there is, and the next format is looked at, also where reading failed. */
static bool takes_all(lua_State *L, int i) {
  if (lua_type(L, i) != LUA_TSTRING) return false;
  const char *format = lua_tostring(L, i);
  return format[format[0] == '*'] == 'a';
}

/* The end of the file may have moved since the last call. */
static void forget_end(const luaL_Stream *p) {
  FILE *f = p->f;
  if (p->closef != NULL && (feof_unlocked(f) || ferror_unlocked(f))) clearerr(f);
}

int file_read(lua_State *L, int i, int first, int n) {
  luaL_Stream *p = lua_touserdata(L, i);
  Stream *s = stream_of(L, i);
  StreamCall c;
  StreamResult result = STREAM_OK;
  int top = lua_gettop(L), failed = 0;
  forget_end(p);
  if (n == 0) {
    result = push_item(L, &c, p, s, 0);
  } else {
    luaL_checkstack(L, n + LUA_MINSTACK, "too many arguments");
    for (int k = 0; k < n && result == STREAM_OK; k++) {
      result = push_item(L, &c, p, s, first + k);
      if (result != STREAM_FAILED || !takes_all(L, first + k)) continue;
      failed = errno;
      result = STREAM_OK;
    }
  }
  if (failed != 0 && result != STREAM_FAILED) {
    errno = failed;
    result = STREAM_FAILED;
  }
  if (result == STREAM_FAILED) return luaL_fileresult(L, 0, NULL);
  if (result != STREAM_OK) {
    lua_pop(L, 1);
    luaL_pushfail(L);
  }
  return lua_gettop(L) - top;
}

static int f_read(lua_State *L) {
  file_check(L, 1);
  return file_read(L, 1, 2, lua_gettop(L) - 1);
}

/* Upvalues: handle, number of formats, whether to close at the end, formats. */
static int next_line(lua_State *L) {
  luaL_Stream *p = lua_touserdata(L, lua_upvalueindex(1));
  int n = (int)lua_tointeger(L, lua_upvalueindex(2));
  if (p->closef == NULL) return luaL_error(L, "file is already closed");
  lua_settop(L, 1);
  luaL_checkstack(L, n, "too many arguments");
  for (int k = 1; k <= n; k++) lua_pushvalue(L, lua_upvalueindex(3 + k));
  int got = file_read(L, lua_upvalueindex(1), 2, n);
  if (lua_toboolean(L, -got)) return got;
  if (got > 1) return luaL_error(L, "%s", lua_tostring(L, -got + 1));
  if (lua_toboolean(L, lua_upvalueindex(3))) {
    lua_settop(L, 0);
    lua_pushvalue(L, lua_upvalueindex(1));
    file_close(L);
  }
  return 0;
}

void file_lines(lua_State *L, bool close_at_end) {
  int n = lua_gettop(L) - 1;
  luaL_argcheck(L, n <= LINES_FORMATS_MAX, LINES_FORMATS_MAX + 2, "too many arguments");
  lua_pushvalue(L, 1);
  lua_pushinteger(L, n);
  lua_pushboolean(L, close_at_end);
  lua_rotate(L, 2, 3);
  lua_pushcclosure(L, next_line, 3 + n);
}

static int f_lines(lua_State *L) {
  file_check(L, 1);
  file_lines(L, false);
  return 1;
}

/* Writing */

/* Writes the string or number at index i; as text, which has more digits in 5.5. */
static StreamResult write_value(lua_State *L, StreamCall *c, int i) {
  char text[NUMBER_TEXT_MAX];
  size_t n;
  if (lua_type(L, i) == LUA_TSTRING) {
    const char *bytes = lua_tolstring(L, i, &n);
    return write_bytes(c, bytes, n);
  }
#if LUA_VERSION_NUM == 504
  int len = lua_isinteger(L, i)
                ? snprintf(text, sizeof text, LUA_INTEGER_FMT, (LUAI_UACINT)lua_tointeger(L, i))
                : snprintf(text, sizeof text, LUA_NUMBER_FMT, (LUAI_UACNUMBER)lua_tonumber(L, i));
#else
  unsigned len = lua_numbertocstring(L, i, text) - 1;
#endif
  return write_bytes(c, text, (size_t)len);
}

/* What a write that failed returns, errno being set; since 5.5 also how many bytes were written: of the n whole values. */
static int write_failed(lua_State *L, int first, int n) {
  int count = luaL_fileresult(L, 0, NULL);
  if (LUA_VERSION_NUM == 504) return count;
  size_t written = 0, size;
  for (int k = 0; k < n; k++) {
    luaL_tolstring(L, first + k, &size);
    lua_pop(L, 1);
    written += size;
  }
  lua_pushinteger(L, (lua_Integer)written);
  return count + 1;
}

int file_write(lua_State *L, int i, int first, int n) {
  luaL_Stream *p = lua_touserdata(L, i);
  Stream *s = stream_of(L, i);
  StreamCall c;
  StreamResult result = STREAM_OK;
  int k = 0;
  if (n == 0) {
    lua_pushvalue(L, i);
    return 1;
  }
  stream_begin(L, &c, p, s);
  for (; k < n && result == STREAM_OK; k++) {
    int type = lua_type(L, first + k);
    if (type != LUA_TSTRING && type != LUA_TNUMBER) break;
    result = write_value(L, &c, first + k);
  }
  int err = errno;
  stream_end(&c);
  stream_check(L, &c, result);
  for (; k < n; k++) luaL_checkstring(L, first + k);
  errno = err;
  if (result == STREAM_FAILED) return write_failed(L, first, k - 1);
  lua_pushvalue(L, i);
  return 1;
}

static int f_write(lua_State *L) {
  file_check(L, 1);
  return file_write(L, 1, 2, lua_gettop(L) - 1);
}

int file_flush(lua_State *L, int i) {
  luaL_Stream *p = lua_touserdata(L, i);
  StreamCall c;
  stream_begin(L, &c, p, stream_of(L, i));
  StreamResult result = write_flush(&c);
  stream_end(&c);
  stream_check(L, &c, result);
  return luaL_fileresult(L, result == STREAM_OK, NULL);
}

static int f_flush(lua_State *L) {
  file_check(L, 1);
  return file_flush(L, 1);
}

static int f_seek(lua_State *L) {
  static const int whences[] = {SEEK_SET, SEEK_CUR, SEEK_END};
  static const char *const names[] = {"set", "cur", "end", NULL};
  luaL_Stream *p = file_check(L, 1);
  int whence = luaL_checkoption(L, 2, "cur", names);
  lua_Integer offset = luaL_optinteger(L, 3, 0);
  luaL_argcheck(L, (lua_Integer)(off_t)offset == offset, 3, "not an integer in proper range");
  StreamCall c;
  stream_begin(L, &c, p, stream_of(L, 1));
  StreamResult result = write_drain(&c);
  off_t at = -1;
  if (result == STREAM_OK) {
    stream_leave(&c, "seek");
    if (fseeko(p->f, (off_t)offset, whences[whence]) == 0) at = ftello(p->f);
    else result = STREAM_FAILED;
    stream_back(&c);
  }
  stream_end(&c);
  stream_check(L, &c, result);
  if (result != STREAM_OK) return luaL_fileresult(L, 0, NULL);
  lua_pushinteger(L, (lua_Integer)at);
  return 1;
}

static int f_setvbuf(lua_State *L) {
  static const int modes[] = {_IONBF, _IOFBF, _IOLBF};
  static const char *const names[] = {"no", "full", "line", NULL};
  luaL_Stream *p = file_check(L, 1);
  int mode = luaL_checkoption(L, 2, NULL, names);
  lua_Integer size = luaL_optinteger(L, 3, LUAL_BUFFERSIZE);
  StreamCall c;
  stream_begin(L, &c, p, stream_of(L, 1));
  stream_leave(&c, "setvbuf");
  int failed = setvbuf(p->f, NULL, modes[mode], (size_t)size);
  stream_back(&c);
  stream_end(&c);
  return luaL_fileresult(L, failed == 0, NULL);
}

void lib_file_replace(lua_State *L) {
  static const luaL_Reg meta[] = {{"__close", f_gc}, {"__gc", f_gc}, {"__tostring", f_tostring}, {NULL, NULL}};
  static const luaL_Reg methods[] = {
      {"close", f_close},
      {"flush", f_flush},
      {"lines", f_lines},
      {"read", f_read},
      {"seek", f_seek},
      {"setvbuf", f_setvbuf},
      {"write", f_write},
      {NULL, NULL},
  };
  luaL_newmetatable(L, LUA_FILEHANDLE);
  luaL_setfuncs(L, meta, 0);
  luaL_getsubtable(L, -1, "__index");
  luaL_setfuncs(L, methods, 0);
  lua_pop(L, 2);
}
