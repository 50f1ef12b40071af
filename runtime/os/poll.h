/* poll with a deadline. */
#ifndef GILUA_RUNTIME_OS_POLL_H
#define GILUA_RUNTIME_OS_POLL_H

#include <poll.h>
#include <stdint.h>

/* os_poll is poll until a deadline, CLOCK_NEVER for none: how many descriptors are ready, 0 at the deadline, -1 with errno,
 * EINTR too. The time that the process is stopped (SIGSTOP, a debugger) counts. */
int os_poll(struct pollfd *fds, unsigned n, int64_t deadline);

/* os_poll_now looks without waiting: how many descriptors are ready, or -1 with errno, but never EINTR, which says nothing of them: a
 * signal that is there already ends such a look, too. */
int os_poll_now(struct pollfd *fds, unsigned n);

#endif
