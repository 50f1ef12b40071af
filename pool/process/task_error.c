/* See task_error.h. */
#include "pool/process/task_error.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "runtime/state/error.h"

void task_error_set_integer(lua_State *L, const char *name, lua_Integer value) {
  lua_pushinteger(L, value);
  lua_setfield(L, -2, name);
}

void task_error_push_died(lua_State *L, int pid, int status) {
  const char *who = lua_tostring(L, -1);
  if (WIFSIGNALED(status)) {
    error_push(L, ERROR_WORKER_DIED, "%s was ended by signal %d (%s) during this task", who, WTERMSIG(status),
               strsignal(WTERMSIG(status)));
    task_error_set_integer(L, "signal", WTERMSIG(status));
  } else {
    error_push(L, ERROR_WORKER_DIED, "%s left with exit status %d during this task", who, WEXITSTATUS(status));
    task_error_set_integer(L, "exitcode", WEXITSTATUS(status));
  }
  task_error_set_integer(L, "pid", pid);
  lua_remove(L, -2);
}

void task_error_push_timeout(lua_State *L, int64_t limit_ns, const char *what) {
  double seconds = (double)limit_ns / 1e9;
  error_push(L, ERROR_TASK_TIMEOUT, "the task ran for more than %f seconds, and %s", seconds, what);
  lua_pushnumber(L, seconds);
  lua_setfield(L, -2, "seconds");
}
