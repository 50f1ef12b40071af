/* The end of a Process. That of a worker of a pool is a SIGKILL, once its results are in. */
#include "pool/process/leave.h"

#include <unistd.h>

#include "runtime/os/stdio.h"
#include "runtime/thread/shutdown.h"

/* (runtime) */
static int end_threads(lua_State *L) {
  Runtime *rt = lua_touserdata(L, 1);
  shutdown_join(L, rt, CLOCK_NEVER);
  shutdown_cancel(L, rt, SHUTDOWN_TIMEOUT_NS);
  return 0;
}

_Noreturn void worker_leave(lua_State *L, Runtime *rt, int status) {
  lua_pushcfunction(L, end_threads);
  lua_pushlightuserdata(L, rt);
  lua_pcall(L, 1, 0, 0);
  stdio_flush_free();
  _exit(status);
}
