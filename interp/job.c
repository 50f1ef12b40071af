/* Forking trials and hearing of their ends. */
#include "interp/job.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <lauxlib.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "interp/notes.h"
#include "interp/run.h"
#include "interp/seeded.h"
#include "runtime/os/clock.h"
#include "runtime/state/tstate.h"
#include "runtime/thread/shutdown.h"

/* A trial that runs no instruction for so long hangs: in native work, or for somebody outside. */
static const int64_t patience_ns = 60 * INT64_C(1000000000);

enum { MOST_JOBS = 64 };

int job_open(Job *job, bool races) {
  *job = (Job){.out = -1, .pidfd = -1, .races = races};
  void *p = mmap(NULL, sizeof *job->trial, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) return errno;
  job->trial = p;
  job->out = memfd_create("gilua-trial", MFD_CLOEXEC);
  return job->out >= 0 && fcntl(job->out, F_SETFL, O_APPEND) == 0 ? 0 : errno;
}

/* An error of the kind deadlock that nobody caught has printed so: of main, among the last of what it printed. */
static bool told_of_deadlock(const Job *job) {
  char text[4096];
  if (job->trial->deadlocked) return true;
  job_text(job, text, sizeof text);
  return strstr(text, "deadlock: ") != NULL;
}

static void reap(Job *job) {
  int status = 0;
  while (waitpid(job->pid, &status, 0) < 0 && errno == EINTR) continue;
  if (job->pidfd >= 0) close(job->pidfd);
  job->pidfd = -1;
  job->pid = 0;
  job->status = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
  if (job->outcome != OUTCOME_GOOD) return; /* who killed it has said why */
  if (WIFSIGNALED(status)) job->outcome = OUTCOME_DIED;
  else if (job->trial->stuck) job->outcome = OUTCOME_LIVELOCK;
  else if (job->status != 0 || job->trial->threw) job->outcome = told_of_deadlock(job) ? OUTCOME_DEADLOCK : OUTCOME_ERROR;
  else if (job->races && job->trial->nraces > 0) job->outcome = OUTCOME_RACE;
}

void job_kill(Job *job) {
  if (job->pid == 0) return;
  kill(job->pid, SIGKILL);
  reap(job);
}

void job_close(Job *job) {
  job_kill(job);
  if (job->out >= 0) close(job->out);
  if (job->trial != NULL) munmap(job->trial, sizeof *job->trial);
}

void job_reset(Job *job) {
  Trial *t = job->trial;
  memset(&t->schedule, 0, sizeof t->schedule);
  t->threw = t->deadlocked = t->stuck = t->explain = false;
  t->races = job->races;
  t->states = t->touches = false;
  t->unseen[0] = '\0';
  t->nraces = 0;
  t->nlines = 0;
  memset(t->names, 0, sizeof t->names);
}

typedef struct Child {
  Trial *trial;
  const TrialProgram *program;
  uint64_t seed;
  int status;
} Child;

static int run_child(lua_State *L) {
  Child *c = lua_touserdata(L, 1);
  Runtime *rt = runtime_of(L);
  atomic_store_explicit(&rt->main->gil.requests, 0, memory_order_relaxed); /* what came as it was forked is the parent's */
  notes_begin(L, c->trial);
  seeded_begin(L, &c->trial->schedule, c->seed);
  lua_settop(L, 0);
  c->status = c->program->run(L, c->program->data);
  return 0;
}

static void redirect(const Job *job) {
  int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null >= 0) dup2(null, STDIN_FILENO);
  dup2(job->out, STDOUT_FILENO);
  dup2(job->out, STDERR_FILENO);
}

/* In the child. */
static _Noreturn void live(lua_State *L, Job *job, const TrialProgram *program, uint64_t seed) {
  Trial *t = job->trial;
  Child c = {.trial = t, .program = program, .seed = seed, .status = EXIT_FAILURE};
  Runtime *rt = runtime_of(L);
  redirect(job);
  t->schedule.turns = t->turns;
  t->schedule.room = TRIAL_TURNS;
  lua_pushcfunction(L, run_child);
  lua_pushlightuserdata(L, &c);
  if (!run_report(L, lua_pcall(L, 1, 0, 0)) || !shutdown_join(L, rt, CLOCK_NEVER)) c.status = EXIT_FAILURE;
  shutdown_cancel(L, rt, SHUTDOWN_TIMEOUT_NS);
  fflush(NULL);
  _exit(c.status);
}

int job_start(lua_State *L, Job *job, const TrialProgram *program, uint64_t seed) {
  if (ftruncate(job->out, 0) != 0) return errno;
  fflush(NULL); /* what is in the buffers is the parent's to write */
  job->outcome = OUTCOME_GOOD;
  pid_t pid = fork();
  if (pid < 0) return errno;
  if (pid == 0) live(L, job, program, seed);
  job->pid = pid;
  job->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
  job->until = clock_ns() + patience_ns;
  job->steps = 0;
  return 0;
}

/* Whether it has run something since it was looked at last: a busy machine may let it, but not fast. */
static bool has_moved(Job *job, int64_t now) {
  uint64_t steps = *(const volatile uint64_t *)&job->trial->schedule.steps; /* of another process */
  if (steps == job->steps) return false;
  job->steps = steps;
  job->until = now + patience_ns;
  return true;
}

/* Looks at those whose time has come; returns until when to sleep. */
static Job *find_late(Job *jobs, unsigned n, int64_t *until) {
  int64_t now = clock_ns();
  *until = CLOCK_NEVER;
  for (unsigned i = 0; i < n; i++) {
    if (jobs[i].pid == 0) continue;
    if (jobs[i].until <= now && !has_moved(&jobs[i], now)) return &jobs[i];
    if (jobs[i].until < *until) *until = jobs[i].until;
  }
  return NULL;
}

Job *job_wait(Job *jobs, unsigned n) {
  struct pollfd fds[MOST_JOBS];
  Job *of[MOST_JOBS];
  unsigned k = 0;
  int64_t until;
  Job *late = find_late(jobs, n, &until);
  if (late != NULL) {
    late->outcome = OUTCOME_HANGS;
    job_kill(late);
    return late;
  }
  for (unsigned i = 0; i < n && k < MOST_JOBS; i++) {
    if (jobs[i].pid == 0) continue;
    if (jobs[i].pidfd < 0) { /* a kernel before 5.3: in turn, and for ever if it hangs */
      reap(&jobs[i]);
      return &jobs[i];
    }
    of[k] = &jobs[i];
    fds[k++] = (struct pollfd){.fd = jobs[i].pidfd, .events = POLLIN};
  }
  if (k == 0) return NULL;
  int ready = poll(fds, k, (int)((until - clock_ns()) / 1000000) + 1);
  if (ready == 0) return job_wait(jobs, n);
  for (unsigned i = 0; ready > 0 && i < k; i++) {
    if (fds[i].revents == 0) continue;
    reap(of[i]);
    return of[i];
  }
  return NULL;
}

void job_text(const Job *job, char *text, size_t n) {
  static const char more[] = "…\n";
  struct stat stat;
  off_t room = (off_t)(n - sizeof more), size = fstat(job->out, &stat) == 0 ? stat.st_size : 0;
  off_t from = size > room ? size - room : 0;
  ssize_t got = pread(job->out, text, (size_t)room, from);
  text[got > 0 ? got : 0] = '\0';
  if (from == 0) return;
  const char *cut = strchr(text, '\n');
  const char *whole = cut != NULL ? cut + 1 : text;
  memmove(text + sizeof more - 1, whole, strlen(whole) + 1);
  memcpy(text, more, sizeof more - 1);
}
