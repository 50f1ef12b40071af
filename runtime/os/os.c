/* Linux calls behind os.h. */
#include "runtime/os/os.h"

#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/os/descriptors.h"

enum { NAME_MAX_BYTES = 15 };

pid_t os_tid(void) { return (pid_t)syscall(SYS_gettid); }

void os_signal_thread(pid_t pid, pid_t tid, int sig) {
  int saved = errno;
  syscall(SYS_tgkill, pid, tid, sig);
  errno = saved;
}

void os_name_thread(const char *name) {
  char cut[NAME_MAX_BYTES + 1];
  size_t n = strnlen(name, NAME_MAX_BYTES + 1);
  if (n > NAME_MAX_BYTES) {
    n = NAME_MAX_BYTES;
    while (n > 0 && ((unsigned char)name[n] & 0xC0) == 0x80) n--;
  }
  memcpy(cut, name, n);
  cut[n] = '\0';
  prctl(PR_SET_NAME, cut);
}

int os_event_new(void) { return os_above_standard(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }

void os_event_signal(int fd) {
  int saved = errno;
  uint64_t one = 1;
  ssize_t n = write(fd, &one, sizeof one);
  (void)n; /* full is signalled, too */
  errno = saved;
}

void os_event_clear(int fd) {
  int saved = errno;
  uint64_t count;
  ssize_t n = read(fd, &count, sizeof count);
  (void)n;
  errno = saved;
}

int os_cpus(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return (int)sysconf(_SC_NPROCESSORS_ONLN); /* over 1 024 of them */
  int n = CPU_COUNT(&set);
  return n > 0 ? n : 1;
}

void os_sharp_timers(void) { prctl(PR_SET_TIMERSLACK, 1UL); }
