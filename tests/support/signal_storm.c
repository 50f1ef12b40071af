/* Signals without end for the tests of EINTR: a thread of its own interrupts the one that began the storm, again and again,
 * by a handler without SA_RESTART, each time when the last signal has been handled. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

enum { DESCRIPTORS = 256 };

static atomic_long handled;
static atomic_bool over;
static pthread_t sender, target;

static void on_signal(int sig) {
  (void)sig;
  atomic_fetch_add(&handled, 1);
}

static void *send_signals(void *arg) {
  long n = (long)arg;
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, NULL);
  for (long i = 0; i < n; i++) {
    pthread_kill(target, SIGUSR1);
    while (atomic_load(&handled) <= i) sched_yield();
  }
  atomic_store(&over, true);
  return NULL;
}

EXPORT int storm_begin(long n);
EXPORT int storm_over(void);
EXPORT long storm_end(void);
EXPORT int storm_nonblocking(const char *path);

/* storm_begin sends the calling thread n signals from now on; an errno if it cannot. */
EXPORT int storm_begin(long n) {
  struct sigaction action = {.sa_handler = on_signal};
  sigemptyset(&action.sa_mask);
  atomic_store(&handled, 0);
  atomic_store(&over, false);
  target = pthread_self();
  if (sigaction(SIGUSR1, &action, NULL) != 0) return errno;
  return pthread_create(&sender, NULL, send_signals, (void *)n);
}

/* storm_over tells whether all have been handled. */
EXPORT int storm_over(void) { return atomic_load(&over); }

/* storm_end waits for the last one and returns how many were handled. */
EXPORT long storm_end(void) {
  pthread_join(sender, NULL);
  return atomic_load(&handled);
}

/* storm_nonblocking makes every descriptor of the file `path` non-blocking; returns how many there are. */
EXPORT int storm_nonblocking(const char *path) {
  struct stat wanted, st;
  int found = 0;
  if (stat(path, &wanted) != 0) return 0;
  for (int fd = 3; fd < DESCRIPTORS; fd++) {
    if (fstat(fd, &st) != 0 || st.st_ino != wanted.st_ino || st.st_dev != wanted.st_dev) continue;
    if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0) found++;
  }
  return found;
}
