/* posix_spawn, and a wait on the child's pidfd: system() would switch Ctrl-C off for the whole process. */
#include "runtime/io/child.h"

#include <errno.h>
#include <lauxlib.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/os/signals.h"
#include "runtime/state/hear.h"
#include "runtime/sync/blocking.h"

#define ABANDONED "gilua.children" /* registry: pid -> true */

enum { FIRST_LOOK_NS = 1000000, LAST_LOOK_NS = 50000000 };

extern char **environ;

int child_start(const Tstate *ts, const char *command, int given, int as, pid_t *pid) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attr;
  sigset_t mask, ignored;
  char *argv[] = {(char *)"sh", (char *)"-c", (char *)command, NULL};
  int err = posix_spawn_file_actions_init(&actions);
  if (err != 0) return err;
  err = posix_spawnattr_init(&attr);
  if (err != 0) goto out_actions;
  if (given >= 0) err = posix_spawn_file_actions_adddup2(&actions, given, as); /* as == given: it stays open */
  pthread_sigmask(SIG_SETMASK, NULL, &mask);
  signals_open(&mask, &ts->blocked);
  short flags = POSIX_SPAWN_SETSIGMASK; /* exec resets what is handled */
  if (hear_ignored(ts->rt, &ignored)) flags |= POSIX_SPAWN_SETSIGDEF;
  if (err == 0) err = posix_spawnattr_setsigmask(&attr, &mask);
  if (err == 0) err = posix_spawnattr_setsigdefault(&attr, &ignored);
  if (err == 0) err = posix_spawnattr_setflags(&attr, flags);
  if (err == 0) err = posix_spawn(pid, "/bin/sh", &actions, &attr, argv, environ);
  posix_spawnattr_destroy(&attr);
out_actions:
  posix_spawn_file_actions_destroy(&actions);
  return err;
}

/* One look; true if pid has ended, or cannot be waited for. */
static bool reap(pid_t pid, int *status, int *err) {
  pid_t got;
  do got = waitpid(pid, status, WNOHANG); while (got < 0 && errno == EINTR);
  *err = got < 0 ? errno : 0;
  return got != 0;
}

/* Kernels without pidfds: look again and again. */
static ParkResult wait_by_looking(Tstate *ts, pid_t pid, int *status, int *err) {
  for (int64_t pause = FIRST_LOOK_NS; !reap(pid, status, err);) {
    ParkResult result = park(ts, NULL, gil_now(&ts->rt->gil) + pause, "process", NULL);
    if (result != PARK_TIMEOUT) return result;
    if (pause < LAST_LOOK_NS) pause *= 2;
  }
  return PARK_GRANTED;
}

ParkResult child_wait(Tstate *ts, pid_t pid, int *status, int *err) {
  if (reap(pid, status, err)) return PARK_GRANTED;
  int fd = (int)syscall(SYS_pidfd_open, pid, 0);
  if (fd < 0) return wait_by_looking(ts, pid, status, err);
  ParkResult result = PARK_GRANTED;
  while (result == PARK_GRANTED && !reap(pid, status, err)) {
    short revents;
    blocking_name(ts, "command");
    result = blocking_wait_fd(ts, fd, POLLIN, CLOCK_NEVER, &revents);
  }
  close(fd);
  return result;
}

void child_abandon(lua_State *L, pid_t pid) {
  luaL_checkstack(L, 3, NULL);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, ABANDONED);
  lua_pushboolean(L, 1);
  lua_rawseti(L, -2, pid);
  lua_pop(L, 1);
}

void child_reap_abandoned(lua_State *L) {
  int status, err;
  luaL_checkstack(L, 4, NULL);
  if (lua_getfield(L, LUA_REGISTRYINDEX, ABANDONED) == LUA_TTABLE) {
    for (lua_pushnil(L); lua_next(L, -2) != 0;) {
      lua_pop(L, 1);
      pid_t pid = (pid_t)lua_tointeger(L, -1);
      if (!reap(pid, &status, &err)) continue;
      lua_pushvalue(L, -1);
      lua_pushnil(L);
      lua_rawset(L, -4);
    }
  }
  lua_pop(L, 1);
}
