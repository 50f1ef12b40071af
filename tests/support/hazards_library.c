/* What tests of the process pool do to it, through ctypes or by LD_PRELOAD: threads in the C library's locks, small stacks,
 * nonsense in a ring, a system that refuses. Environment, read when it is loaded or forks:
 *
 *   HAZARD_FORKS    how many forks in a line of descent succeed; later ones fail with EAGAIN
 *   HAZARD_THREADS  how many generations of forked processes may start threads; later ones fail with EAGAIN
 *   HAZARD_STALL    a path: while there is such a file, a pool's collector that comes out of poll stands still
 *   HAZARD_FORBID   names of system calls that answer ENOSYS from the start: pidfd_open, memfd_create
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "pool/process/shared.h"

#define EXPORT __attribute__((visibility("default")))

/* F1: a logger that stamps its lines, and does nothing else */

static _Atomic bool stamping;
static pthread_t stamper;

static void *stamp(void *unused) {
  char text[64];
  struct tm tm;
  while (atomic_load(&stamping)) {
    time_t now = time(NULL);
    localtime_r(&now, &tm);
    strftime(text, sizeof text, "%c", &tm);
  }
  return unused;
}

EXPORT int stamp_begin(void);
EXPORT int stamp_begin(void) {
  atomic_store(&stamping, true);
  return pthread_create(&stamper, NULL, stamp, NULL);
}

EXPORT int stamp_end(void);
EXPORT int stamp_end(void) {
  atomic_store(&stamping, false);
  return pthread_join(stamper, NULL);
}

/* F9: calls f on a thread with a stack of so many bytes, and waits for it */

static void *call(void *f) {
  void (*function)(void);
  memcpy(&function, &f, sizeof function);
  function();
  return NULL;
}

EXPORT int call_on_stack(void *f, size_t bytes);
EXPORT int call_on_stack(void *f, size_t bytes) {
  pthread_t thread;
  pthread_attr_t attr;
  int err = pthread_attr_init(&attr);
  if (err == 0) err = pthread_attr_setstacksize(&attr, bytes);
  if (err == 0) err = pthread_create(&thread, &attr, call, f);
  pthread_attr_destroy(&attr);
  return err != 0 ? err : pthread_join(thread, NULL);
}

/* R8: what a worker gone wild may write. Its mapping is the shared one of a pool of one worker. */

static PoolShared *find_shared(void) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE), size = sizeof(PoolShared) + sizeof(WorkerShared);
  unsigned long first, end;
  char line[512], how[8];
  PoolShared *found = NULL;
  FILE *maps = fopen("/proc/self/maps", "r");
  size = (size + page - 1) / page * page;
  while (maps != NULL && fgets(line, sizeof line, maps) != NULL)
    if (sscanf(line, "%lx-%lx %7s", &first, &end, how) == 3 && strcmp(how, "rw-s") == 0 && end - first == size)
      found = (PoolShared *)first;
  if (maps != NULL) fclose(maps);
  return found;
}

/* The parent may sleep: every eventfd is written. */
static void ring_bells(void) {
  char path[64], target[64] = "";
  uint64_t one = 1;
  for (int fd = 0; fd < 256; fd++) {
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(path, target, sizeof target - 1);
    if (n <= 0) continue;
    target[n] = '\0';
    if (strstr(target, "eventfd") != NULL && write(fd, &one, sizeof one) < 0) errno = 0;
  }
}

enum { TAIL_TOO_FAR = 1, NO_KIND, NO_SLOT, OTHER_TASK, HUGE, ALL_OF_IT };

/* Writes nonsense of that kind where the next result would begin; 0 if there is no ring. */
EXPORT int spoil_ring(int kind);
EXPORT int spoil_ring(int kind) {
  PoolShared *pool = find_shared();
  if (pool == NULL) return 0;
  WorkerShared *w = &pool->workers[0];
  uint32_t tail = atomic_load(&w->results.tail);
  Record r = {.kind = RECORD_VALUES, .slot = 0, .id = 1, .size = 0};
  if (kind == NO_KIND) r.kind = 77;
  if (kind == NO_SLOT) r.slot = 1u << 30;
  if (kind == OTHER_TASK) r.id = UINT64_MAX;
  if (kind == HUGE) r.size = UINT64_MAX;
  for (size_t i = 0; i < sizeof r; i++) w->results.data[(tail + i) % RING_SIZE] = ((unsigned char *)&r)[i];
  if (kind == ALL_OF_IT) memset(w->results.data, 0xa5, RING_SIZE);
  if (kind == TAIL_TOO_FAR) atomic_store(&w->results.tail, atomic_load(&w->results.head) + RING_SIZE + 1);
  else atomic_store(&w->results.tail, kind == ALL_OF_IT ? tail + RING_SIZE / 2 : tail + (uint32_t)sizeof r);
  ring_bells();
  return 1;
}

static void *claim_too_much(void *arg) {
  ByteRing *tasks = arg;
  for (;;) atomic_store(&tasks->head, atomic_load(&tasks->tail) + 1);
  return NULL;
}

/* From now on the worker claims, all the time, to have read more than was written; 0 if there is no ring. */
EXPORT int spoil_head(void);
EXPORT int spoil_head(void) {
  PoolShared *pool = find_shared();
  pthread_t thread;
  return pool != NULL && pthread_create(&thread, NULL, claim_too_much, &pool->workers[0].tasks) == 0;
}

/* L1: a system that has no process left */

static int generation; /* of this process, by fork */

EXPORT pid_t fork(void) {
  static int forks; /* of this line: children inherit it */
  const char *most = getenv("HAZARD_FORKS");
  pid_t (*real)(void);
  if (most != NULL && forks >= atoi(most)) {
    errno = EAGAIN;
    return -1;
  }
  forks++;
  *(void **)&real = dlsym(RTLD_NEXT, "fork");
  pid_t pid = real();
  generation += pid == 0;
  return pid;
}

EXPORT int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *arg) {
  const char *most = getenv("HAZARD_THREADS");
  int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
  if (most != NULL && generation > atoi(most)) return EAGAIN;
  *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
  return real(thread, attr, start, arg);
}

/* A thread that the system does not run for long */

static bool is_collector(void) {
  char name[16];
  return pthread_getname_np(pthread_self(), name, sizeof name) == 0 && strcmp(name, "gilua-collector") == 0;
}

EXPORT int poll(struct pollfd *fds, nfds_t n, int timeout) {
  static const struct timespec moment = {.tv_nsec = 1000000};
  const char *stall = getenv("HAZARD_STALL");
  int (*real)(struct pollfd *, nfds_t, int);
  *(void **)&real = dlsym(RTLD_NEXT, "poll");
  int result = real(fds, n, timeout), saved = errno;
  while (stall != NULL && is_collector() && access(stall, F_OK) == 0) nanosleep(&moment, NULL);
  errno = saved;
  return result;
}

/* L4: a kernel that is too old, or a container that forbids */

static void forbid(unsigned number) {
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {.len = sizeof code / sizeof code[0], .filter = code};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    fprintf(stderr, "cannot forbid a system call: %s\n", strerror(errno));
    _exit(99);
  }
}

static __attribute__((constructor)) void load(void) {
  const char *names = getenv("HAZARD_FORBID");
  if (names == NULL) return;
  if (strstr(names, "pidfd_open") != NULL) forbid(SYS_pidfd_open);
  if (strstr(names, "memfd_create") != NULL) forbid(SYS_memfd_create);
}
