/* Sleeping on descriptors: the sleeper is poll, and whoever pokes writes to the thread's own eventfd. */
#include <errno.h>

#include "runtime/gil/internal.h"
#include "runtime/os/os.h"
#include "runtime/os/poll.h"

enum { SLICE_NS = 20000000 }; /* without an eventfd (the process has no descriptor left) requests are looked for so often */

/* The thread's eventfd, made when it is first needed; -1 without one. */
static int wake_fd(GilThread *self) {
  int fd = atomic_load_explicit(&self->wake_fd, memory_order_relaxed);
  if (fd >= 0) return fd;
  fd = os_event_new();
  atomic_store_explicit(&self->wake_fd, fd, memory_order_relaxed); /* published by WAKE_POLLS */
  return fd;
}

static bool is_requested(const GilThread *self, uint32_t wanted) {
  /* relaxed: who sets a request pokes afterwards, and the poke is acquired */
  return (atomic_load_explicit(&self->requests, memory_order_relaxed) & wanted) != 0;
}

/* One look at the descriptors, ours included. Returns the ready ones among the caller's, 0 at the deadline, -EINTR to look
 * at the requests, another negative errno. */
static int poll_once(GilThread *self, struct pollfd *fds, unsigned n, int64_t until_stir, int64_t deadline) {
  int wake = fds[n].fd;
  int64_t until = wake >= 0 ? until_stir : clock_ns() + SLICE_NS;
  int ready = os_poll(fds, wake >= 0 ? n + 1 : n, until < deadline ? until : deadline);
  if (ready < 0) ready = -errno;
  if (ready == 0 && until < deadline) return -EINTR;
  if (ready <= 0 || wake < 0 || fds[n].revents == 0) return ready;
  os_event_clear(wake);
  atomic_fetch_and_explicit(&self->wake, ~(uint32_t)WAKE_POKE, memory_order_acquire); /* pairs with gil_poke */
  return ready > 1 ? ready - 1 : -EINTR;
}

int gil_poll(GilThread *self, struct pollfd *fds, unsigned n, int64_t deadline, uint32_t wanted) {
  int saved = errno, ready;
  fds[n] = (struct pollfd){.fd = wake_fd(self), .events = POLLIN};
  /* acq_rel: publishes wake_fd to gil_poke; a poke of before it is seen here */
  uint32_t old = atomic_fetch_or_explicit(&self->wake, WAKE_POLLS, memory_order_acq_rel);
  if ((old & WAKE_POKE) != 0) atomic_fetch_and_explicit(&self->wake, ~(uint32_t)WAKE_POKE, memory_order_relaxed);
  do {
    int64_t until = gil_stir(self, deadline);
    ready = is_requested(self, wanted) ? -1 : poll_once(self, fds, n, until, deadline);
  } while (ready == -EINTR);
  atomic_fetch_and_explicit(&self->wake, ~(uint32_t)WAKE_POLLS, memory_order_relaxed);
  errno = saved;
  return ready;
}
