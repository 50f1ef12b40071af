/* Forking a zygote, and waiting for its word that it works. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pool/process/fork.h"
#include "runtime/os/descriptors.h"
#include "runtime/os/poll.h"
#include "runtime/sync/blocking.h"

/* Each try has more time: a healthy child may wait long for a busy processor. */
enum { TRIES = 5, MORE = 4, READY_NS = 100000000 };
static const int64_t SPAWN_READY_NS = 5000000000; /* a program that starts */

static void flush_if_free(FILE *f) {
  if (ftrylockfile(f) != 0) return; /* somebody prints: what is buffered is dropped in the child */
  fflush(f);
  funlockfile(f);
}

/* A descriptor that is readable when this process has ended; -1 where the system has none. */
static int own_pidfd(void) { return os_above_standard((int)syscall(SYS_pidfd_open, getpid(), 0)); }

/* The two ends of a channel; 0 or an errno. */
static int make_channel(int ends[2]) {
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return errno;
  for (int i = 0; i < 2; i++) ends[i] = os_above_standard(ends[i]);
  if (ends[0] >= 0 && ends[1] >= 0) return 0;
  int err = errno;
  for (int i = 0; i < 2; i++)
    if (ends[i] >= 0) close(ends[i]);
  return err;
}

/* What the child says: 0 or an errno; ETIMEDOUT: nothing. */
static int wait_ready(int socket, int64_t patience_ns) {
  ZygoteMessage m;
  struct pollfd fd = {.fd = socket, .events = POLLIN};
  int64_t deadline = clock_ns() + patience_ns;
  while (clock_ns() < deadline) {
    if (os_poll(&fd, 1, deadline) <= 0) continue;
    bool said = recv(socket, &m, sizeof m, MSG_DONTWAIT) == sizeof m && m.op == ZYGOTE_READY;
    return said ? m.status : ETIMEDOUT;
  }
  return ETIMEDOUT;
}

/* Ends a child that did not become ready. Returns its end as waitpid tells it: its own, if it was on its way to that. */
static int end_child(pid_t pid) {
  int status = 0;
  kill(pid, SIGKILL);
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
  return status;
}

/* One try: 0, ETIMEDOUT for a child that hangs, EPROTO for a program that ends instead, or an errno. */
static int fork_once(lua_State *L, Tstate *ts, Engine *e, int64_t patience_ns) {
  int ends[2], err = make_channel(ends);
  if (err != 0) return err;
  e->zygote.birth.socket = ends[1];
  flush_if_free(stdout);
  flush_if_free(stderr);
  pid_t pid;
  if (e->options.spawn) {
    err = spawn_zygote(L, e, &pid);
  } else {
    pid = fork();
    if (pid == 0) zygote_run(&e->zygote.birth);
    if (pid < 0) err = errno;
  }
  close(ends[1]);
  if (err != 0) {
    close(ends[0]);
    return err;
  }
  blocking_begin_wait(ts, "fork");
  err = wait_ready(ends[0], patience_ns);
  int status = err == 0 ? 0 : end_child(pid);
  if (err != 0) close(ends[0]);
  blocking_end(ts);
  if (err == ETIMEDOUT && e->options.spawn && WIFEXITED(status)) return EPROTO;
  if (err != 0) return err;
  pthread_mutex_lock(&e->m);
  e->zygote.pid = pid;
  e->zygote.socket = ends[0];
  pthread_mutex_unlock(&e->m);
  return 0;
}

/* (link) -> a thread for the workers' loop, anchored by who holds it here, and by that very stack in the child. */
static int prepare(lua_State *L) {
  pickle_names_snapshot(L, lua_touserdata(L, 1));
  lua_newthread(L);
  return 1;
}

int zygote_fork(lua_State *L, Tstate *ts, Engine *e) {
  int err = ETIMEDOUT;
  if (!lua_checkstack(L, 4)) return ENOMEM;
  lua_pushcfunction(L, prepare);
  lua_pushlightuserdata(L, e->link);
  if (lua_pcall(L, 1, 1, 0) != LUA_OK) err = ENOMEM;
  e->zygote.birth = (Birth){.rt = ts->rt,
                     .L = lua_tothread(L, -1),
                     .link = e->link,
                     .shared = e->shared,
                     .workers = e->options.max_workers,
                     .cpus = e->options.cpus,
                     .event = e->event,
                     .parent = getpid(),
                     .parent_pidfd = own_pidfd(),
                     .single = e->options.single,
                     .memory_limit = e->options.memory_limit};
  int64_t patience_ns = e->options.spawn ? SPAWN_READY_NS : READY_NS;
  for (int i = 0; i < TRIES && err == ETIMEDOUT; i++, patience_ns *= MORE) err = fork_once(L, ts, e, patience_ns);
  lua_pop(L, 1);
  if (e->zygote.birth.parent_pidfd >= 0) close(e->zygote.birth.parent_pidfd);
  return err;
}
