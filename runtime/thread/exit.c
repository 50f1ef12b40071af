/* os.exit([code [, close]]) with threads: the main thread does it. exit runs destructors and atexit handlers, and closing
 * runs the main thread's <close> variables, so neither may happen on another system thread.
 */
#include <errno.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>
#include <unistd.h>

#include "runtime/os/stdio.h"
#include "runtime/sync/park.h"
#include "runtime/thread/lib_thread.h"
#include "runtime/state/handlers.h"
#include "runtime/state/release.h"
#include "runtime/state/request.h"
#include "runtime/thread/shutdown.h"
#include "runtime/thread/thread.h"

enum { PATIENCE_NS = 2000000000 };

/* What the main thread of this process has open. In a child that another thread forked, that is the one that survived: the
 * main state's <close> variables are the parent's. */
static void close_state(Runtime *rt) {
  if (rt->main->base == rt->L) lua_close(rt->L);
  else release_close_thread(rt->main->base, NULL);
}

static _Noreturn void exit_on_main(lua_State *L, Runtime *rt, int status, bool close) {
  if (rt == NULL) exit(status);
  bool first = !rt->exit.begun; /* finalizers may call os.exit again */
  rt->exit.begun = true;
  if (rt->end_recording != NULL) rt->end_recording(rt);
  if (rt->report != NULL) rt->report(L, rt);
  bool clean = close && first && shutdown_cancel(L, rt, SHUTDOWN_TIMEOUT_NS);
  handlers_release_sigint(rt); /* from here on nothing could raise it */
  if (clean) close_state(rt);
  exit(status);
}

static void act(lua_State *L, Runtime *rt) { exit_on_main(L, rt, rt->exit.status, rt->exit.close); }

/* The main thread is in native code and does not come, or this is a worker of a pool: what is written is saved, the
 * rest is left. */
static _Noreturn void exit_without_main(int status) {
  stdio_flush_free();
  _exit(status);
}

static _Noreturn void hand_to_main(Tstate *ts, int status, bool close) {
  Runtime *rt = ts->rt;
  if (rt->exit.waiting == 0) { /* the first that asks decides */
    rt->exit.status = status;
    rt->exit.close = close;
  }
  ts->exiting = ts->shielded = true;
  rt->exit.waiting++;
  gil_request(&ts->gil, &rt->main->gil, REQUEST_EXIT);
  ParkResult result = park(ts, NULL, gil_now(&rt->gil) + PATIENCE_NS, "exit", NULL);
  while (rt->exit.begun && result == PARK_TIMEOUT) result = park(ts, NULL, CLOCK_NEVER, "exit", NULL);
  if (rt->end_recording != NULL) rt->end_recording(rt);
  exit_without_main(status);
}

static int os_exit(lua_State *L) {
  int status = lua_isboolean(L, 1) ? (lua_toboolean(L, 1) ? EXIT_SUCCESS : EXIT_FAILURE)
                                   : (int)luaL_optinteger(L, 1, EXIT_SUCCESS);
  bool close = lua_toboolean(L, 2);
  Tstate *ts = tstate_self();
  if (runtime_of(L)->worker) exit_without_main(status);
  if (ts == NULL || ts == ts->rt->main) exit_on_main(L, runtime_of(L), status, close);
  hand_to_main(ts, status, close);
}

void shutdown_survivor(lua_State *L, Runtime *rt, int status) {
  if (rt->worker) exit_without_main(status);
  shutdown_join(L, rt, CLOCK_NEVER);
  exit_on_main(L, rt, status, false);
}

static void push_thread(lua_State *L, Tstate *ts) { thread_push_current(L, ts); }

void lib_os_replace(lua_State *L) {
  static const luaL_Reg funcs[] = {{"exit", os_exit}, {NULL, NULL}};
  Runtime *rt = runtime_of(L);
  rt->exit.act = act;
  rt->push_thread = push_thread;
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (lua_getfield(L, -1, LUA_OSLIBNAME) == LUA_TTABLE) luaL_setfuncs(L, funcs, 0);
  lua_pop(L, 2);
}
