/* The kernel goes on with a poll after a stop until the time that was meant, but with a ppoll for as long as was left. So whole
 * milliseconds are poll's, and only what is left of one is ppoll's.
 */
#include "runtime/os/poll.h"

#include <errno.h>
#include <limits.h>

#include "runtime/os/clock.h"

enum { MS = 1000000 };

int os_poll(struct pollfd *fds, unsigned n, int64_t deadline) {
  if (deadline == CLOCK_NEVER) return poll(fds, n, -1);
  for (;;) {
    int64_t left = deadline - clock_ns();
    if (left < 0) left = 0;
    if (left < MS) return ppoll(fds, n, &(struct timespec){.tv_nsec = (long)left}, NULL);
    int64_t ms = left / MS;
    int ready = poll(fds, n, ms < INT_MAX ? (int)ms : INT_MAX);
    if (ready != 0) return ready;
  }
}

int os_poll_now(struct pollfd *fds, unsigned n) {
  int ready;
  do ready = poll(fds, n, 0);
  while (ready < 0 && errno == EINTR);
  return ready;
}
