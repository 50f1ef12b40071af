/* What gilua.gil shows of the lock beside its counters.
 *
 *   gil.trace(path) -> true, or nil, message      records from now on: ".html" is a page, anything else Perfetto's JSON
 *   gil.trace() -> true, or nil, message          completes the file; false if nothing is recorded
 *   gil.dump([file]) -> true, or nil, message     what every thread does, to a file handle, a path, or stderr
 *   gil.on_long_hold(seconds, f)                  f(thread, "script.lua:12", seconds) when a thread kept another waiting for
 *                                                 the lock for longer; gil.on_long_hold(nil) switches it off
 */
#include "runtime/trace/lib_trace.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/os/descriptors.h"
#include "runtime/state/object.h"
#include "runtime/state/text.h"
#include "runtime/sync/park.h"
#include "runtime/thread/thread.h"
#include "runtime/trace/dump.h"
#include "runtime/trace/recorder.h"
#include "runtime/trace/watchdog.h"

#define GC_MARK "gilua.trace.gc"

/* A finalizer that shows a collection, and makes the next one show itself: an object that is garbage from the start. */
static int mark_collection(lua_State *L);

static void leave_garbage(lua_State *L) {
  lua_newuserdatauv(L, 0, 0);
  if (luaL_newmetatable(L, GC_MARK)) {
    lua_pushcfunction(L, mark_collection);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  lua_pop(L, 1);
}

static int mark_collection(lua_State *L) {
  Tstate *ts = tstate_self();
  if (ts == NULL || recorder_path(ts->rt) == NULL || ts->rt->phase >= PHASE_CANCELLING) return 0;
  trace_mark(ts, "garbage collected");
  leave_garbage(L);
  return 0;
}

static int answer(lua_State *L, int err, const char *path) {
  if (err != 0) {
    errno = err;
    return luaL_fileresult(L, 0, path);
  }
  lua_pushboolean(L, 1);
  return 1;
}

static int stop(lua_State *L, Runtime *rt) {
  const char *path = recorder_path(rt);
  if (path == NULL) {
    lua_pushboolean(L, 0);
    return 1;
  }
  path = lua_pushstring(L, path);
  return answer(L, recorder_stop(rt, NULL), path);
}

int lib_trace_start(lua_State *L, const char *path) {
  Tstate *self = park_self(L);
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  for (Tstate *ts = self->rt->threads; ts != NULL; ts = ts->next) { /* the names by default are made when asked for */
    thread_push_current(L, ts);
    thread_push_name(L, -1);
    lua_pop(L, 2);
  }
  int err = recorder_start(self, path);
  if (err == 0) leave_garbage(L);
  return err;
}

static int gil_trace(lua_State *L) {
  object_check_last(L, 1);
  Tstate *self = park_self(L);
  if (lua_isnoneornil(L, 1)) return stop(L, self->rt);
  const char *path = text_check(L, 1), *running = recorder_path(self->rt);
  if (running != NULL) {
    running = lua_pushstring(L, running); /* a finalizer may end the recording while the message is made */
    return luaL_error(L, "cannot record to '%s': a recording to '%s' is running (end it with gil.trace())", path, running);
  }
  return answer(L, lib_trace_start(L, path), path);
}

static int print_dump(const Runtime *rt, FILE *out) {
  errno = 0;
  dump_print(out, rt);
  return fflush(out) == 0 && !ferror(out) ? 0 : errno != 0 ? errno : EIO;
}

static int dump_to_path(lua_State *L, const Runtime *rt, const char *path) {
  int fd = os_above_standard(open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
  if (out == NULL) {
    if (fd >= 0) close(fd);
    return luaL_fileresult(L, 0, path);
  }
  int err = print_dump(rt, out);
  if (fclose(out) != 0 && err == 0) err = errno;
  return answer(L, err, path);
}

static int gil_dump(lua_State *L) {
  object_check_last(L, 1);
  const Runtime *rt = park_self(L)->rt;
  if (lua_isnoneornil(L, 1)) return answer(L, print_dump(rt, stderr), "stderr");
  if (lua_type(L, 1) == LUA_TSTRING) return dump_to_path(L, rt, text_check(L, 1));
  luaL_Stream *stream = luaL_testudata(L, 1, LUA_FILEHANDLE);
  luaL_argexpected(L, stream != NULL, 1, "file or path");
  luaL_argcheck(L, stream->closef != NULL, 1, "the file is closed");
  return answer(L, print_dump(rt, stream->f), "dump");
}

static int gil_on_long_hold(lua_State *L) {
  Runtime *rt = park_self(L)->rt;
  if (lua_isnoneornil(L, 1)) {
    watchdog_set(L, rt, 0, 0, NULL, NULL);
    return 0;
  }
  lua_Number seconds = luaL_checknumber(L, 1);
  luaL_argcheck(L, seconds > 0 && seconds <= PARK_TIMEOUT_MAX, 1, "must be a positive number of seconds");
  object_check_callable(L, 2);
  watchdog_set(L, rt, (int64_t)(seconds * 1e9) > 0 ? (int64_t)(seconds * 1e9) : 1, 2, NULL, NULL);
  return 0;
}

void lib_trace_add(lua_State *L) {
  static const luaL_Reg funcs[] = {
      {"dump", gil_dump}, {"on_long_hold", gil_on_long_hold}, {"trace", gil_trace}, {NULL, NULL}};
  luaL_setfuncs(L, funcs, 0);
}
