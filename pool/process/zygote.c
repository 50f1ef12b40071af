/* The zygote: a child with one thread, forked from the program as it stood, that forks workers, ends them and tells what
 * became of them. It runs no Lua. Of the program's descriptors it keeps 0, 1, 2 and files; sockets and pipes are the
 * program's. When the parent ends, however it does, the zygote ends, and with it its workers.
 *
 * Before it says READY it calls once what Lua's libraries reach in libc: a lock that another thread of the parent held
 * at the fork is inherited locked, by it and by every worker. A zygote that hangs there is killed by the parent, which
 * forks another one.
 */
#include <dlfcn.h>
#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pool/process/birth.h"
#include "runtime/os/descriptors.h"
#include "runtime/os/stdio.h"
#include "runtime/shared/handle.h"
#include "runtime/state/release.h"

enum {
  PARENT_POLL_MS = 1000, /* without a pidfd the parent is looked for this often */
  LARGE_HEAP_KIB = 32 * 1024
};

/* A worker of this zygote. */
typedef struct Child {
  pid_t pid; /* 0: none */
  uint64_t generation;
} Child;

typedef struct Zygote {
  const Birth *birth;
  Child *children;
  int signals; /* signalfd of SIGCHLD */
  FILE *command; /* of prove_libc, until it has ended; NULL: it has */
} Zygote;

static void say(const Zygote *z, const ZygoteMessage *m) {
  while (send(z->birth->socket, m, sizeof *m, MSG_NOSIGNAL) < 0)
    if (errno != EINTR) _exit(0); /* the parent is gone */
}

#if defined(__SANITIZE_ADDRESS__)
/* The sanitizer's allocator has a lock for each size of block, which nobody repairs after a fork. A new thread has no
 * blocks in store, so its first of each size needs that lock. */
static void *take_each_size(void *unused) {
  for (size_t size = 1; size < 1 << 18; size += 16 + size / 16) {
    void *volatile block = malloc(size);
    free(block);
  }
  return unused;
}

static void prove_sanitizer(void) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, take_each_size, NULL) == 0) pthread_join(thread, NULL);
}
#else
static void prove_sanitizer(void) {}
#endif

/* What hangs here would hang in every task that calls it. The shell of popen, which takes as long as all the rest, runs while
 * the program goes on: its locks are proved when it has started. */
static FILE *prove_libc(void) {
  time_t now = time(NULL);
  struct tm tm;
  prove_sanitizer();
  localtime_r(&now, &tm);
  mktime(&tm);
  setlocale(LC_ALL, setlocale(LC_ALL, NULL));
  (void)random();
  free(malloc(1 << 20));
  FILE *f = fopen("/dev/null", "r");
  if (f != NULL) fclose(f);
  void *self = dlopen(NULL, RTLD_LAZY);
  if (self != NULL) dlclose(self);
  return popen(":", "r");
}

static void end_command(Zygote *z) {
  if (z->command != NULL) pclose(z->command); /* a worker, whose child it is not, only closes it */
  z->command = NULL;
}

/* Workers of a large program share its memory only as long as their collectors leave it alone. */
static void age_heap(lua_State *L) {
  if (lua_gc(L, LUA_GCCOUNT) < LARGE_HEAP_KIB) return;
  lua_gc(L, LUA_GCGEN, 0, 0);
  release_collect(L, 0); /* without it the first cycle is still a full one */
}

static int age_protected(lua_State *L) {
  age_heap(L);
  return 0;
}

static void fork_worker(Zygote *z, const ZygoteMessage *m) {
  ZygoteMessage answer = {.op = ZYGOTE_BORN, .index = m->index, .generation = m->generation};
  pid_t self = getpid(), pid = fork();
  if (pid == 0) {
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != self) _exit(0);
    close(z->birth->socket);
    close(z->signals);
    end_command(z);
    worker_run(z->birth, m->index);
  }
  if (pid > 0) z->children[m->index] = (Child){.pid = pid, .generation = m->generation};
  answer.pid = pid > 0 ? pid : 0;
  answer.status = pid > 0 ? 0 : errno;
  say(z, &answer);
}

static void kill_worker(Zygote *z, const ZygoteMessage *m) {
  Child *c = &z->children[m->index];
  if (c->pid != 0 && c->generation == m->generation) kill(c->pid, m->status != 0 ? m->status : SIGKILL);
}

static void reap(Zygote *z) {
  for (unsigned i = 0; i < z->birth->workers; i++) {
    Child *c = &z->children[i];
    int status;
    if (c->pid == 0 || waitpid(c->pid, &status, WNOHANG) != c->pid) continue;
    ZygoteMessage m = {.op = ZYGOTE_DIED, .index = i, .generation = c->generation, .pid = c->pid, .status = status};
    c->pid = 0;
    say(z, &m);
  }
}

static _Noreturn void end(Zygote *z) {
  for (unsigned i = 0; i < z->birth->workers; i++)
    if (z->children[i].pid != 0) kill(z->children[i].pid, SIGKILL);
  for (unsigned i = 0; i < z->birth->workers; i++)
    if (z->children[i].pid != 0) waitpid(z->children[i].pid, NULL, 0);
  end_command(z);
  _exit(0);
}

static void serve(Zygote *z) {
  ZygoteMessage m;
  ssize_t n = recv(z->birth->socket, &m, sizeof m, MSG_DONTWAIT);
  if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) end(z);
  if (n != sizeof m || m.index >= z->birth->workers) return;
  if (m.op == ZYGOTE_FORK) fork_worker(z, &m);
  else if (m.op == ZYGOTE_KILL) kill_worker(z, &m);
}

static _Noreturn void loop(Zygote *z) {
  struct pollfd fds[] = {{.fd = z->birth->socket, .events = POLLIN},
                         {.fd = z->signals, .events = POLLIN},
                         {.fd = z->birth->parent_pidfd, .events = POLLIN}};
  for (;;) {
    poll(fds, 3, z->birth->parent_pidfd >= 0 ? -1 : PARENT_POLL_MS);
    if (fds[2].revents != 0 || getppid() != z->birth->parent) end(z);
    if (fds[1].revents != 0) {
      end_command(z); /* if it was another child that ended, this one will soon */
      struct signalfd_siginfo info[8];
      while (read(z->signals, info, sizeof info) > 0) continue;
      reap(z);
    }
    if (fds[0].revents != 0) serve(z);
  }
}

/* Nothing but SIGKILL ends a zygote before its parent; children report by SIGCHLD, whatever the host did with it. */
static int take_signals(void) {
  sigset_t all, child;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
  signal(SIGCHLD, SIG_DFL);
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  return signalfd(-1, &child, SFD_NONBLOCK | SFD_CLOEXEC);
}

static void ignore(int sig) { (void)sig; }

/* What workers inherit: signals as a program finds them at its start, but the one that preempts, as threads that tasks start are
 * preempted, too. Ctrl-C is for the program: workers take it and go on, and what they execute has it at its default, as a
 * handler does not survive exec. Here all are blocked. */
static void reset_signals(int preempt) {
  struct sigaction old;
  for (int sig = 1; sig < NSIG; sig++)
    if (sig != SIGKILL && sig != SIGSTOP && sig != preempt && sigaction(sig, NULL, &old) == 0 && old.sa_handler != SIG_DFL &&
        old.sa_handler != SIG_IGN)
      signal(sig, SIG_DFL);
  signal(SIGCHLD, SIG_DFL);
  struct sigaction act = {.sa_handler = ignore, .sa_flags = SA_RESTART};
  sigaction(SIGINT, &act, NULL);
  sigaction(SIGQUIT, &act, NULL);
}

void zygote_run(const Birth *birth) {
  Zygote z = {.birth = birth, .children = calloc(birth->workers, sizeof(Child))};
  const int kept[] = {birth->socket, birth->event};
  os_fill_standard();
  os_drop_channels(kept, sizeof kept / sizeof kept[0]);
  stdio_drop_pending(); /* what the parent has buffered is the parent's */
  __fpurge(stdin);
  prctl(PR_SET_NAME, "gilua-zygote");
  z.signals = take_signals();
  if (z.children == NULL || z.signals < 0) {
    say(&z, &(ZygoteMessage){.op = ZYGOTE_READY, .status = z.children == NULL ? ENOMEM : errno});
    _exit(WORKER_BROKEN);
  }
  z.command = prove_libc();
  if (birth->single) shared_inherit(); /* what the program shares stays alive for the Process that this is for */
  say(&z, &(ZygoteMessage){.op = ZYGOTE_READY, .pid = getpid()});
  reset_signals(gil_ask_signal(&birth->rt->gil)); /* from here on beside the program, which goes on */
  lua_pushcfunction(birth->L, age_protected);
  if (lua_pcall(birth->L, 0, 0, 0) != LUA_OK) lua_settop(birth->L, 0);
  loop(&z);
}
