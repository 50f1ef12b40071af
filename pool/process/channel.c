/* Reading and writing rings, and sleeping between. */
#include "pool/process/channel.h"

#include <errno.h>
#include <unistd.h>

#include "runtime/os/clock.h"
#include "runtime/os/futex.h"
#include "runtime/os/os.h"

enum { SPIN_NS = 20000 };

/* The parent sleeps in poll: its eventfd wakes it. */
void channel_ring(Channel *c) {
  uint64_t one = 1;
  if (atomic_load(&c->pool->parent_asleep) == 0 || atomic_exchange(&c->pool->parent_asleep, 0) == 0) return;
  while (write(c->birth->event, &one, sizeof one) < 0 && errno == EINTR) continue;
}

/* Whether it counts as awake; the parent puts the count right when a worker dies. */
static void count_awake(Channel *c, bool awake) {
  atomic_store_explicit(&c->shared->counted, awake, memory_order_relaxed);
  if (awake) atomic_fetch_add_explicit(&c->pool->awake, 1, memory_order_relaxed);
  else atomic_fetch_sub_explicit(&c->pool->awake, 1, memory_order_relaxed);
}

static bool may_spin(Channel *c) {
  return atomic_load_explicit(&c->pool->awake, memory_order_relaxed) < c->birth->cpus;
}

/* Sleeps until the parent has written (or read, for room), which ready tells. */
static void wait_for(Channel *c, bool (*ready)(Channel *c)) {
  if (may_spin(c)) {
    for (int64_t until = clock_ns() + SPIN_NS; clock_ns() < until;) {
      for (int i = 0; i < 20; i++) os_pause();
      if (ready(c)) return;
    }
  }
  count_awake(c, false);
  for (;;) {
    atomic_store(&c->shared->asleep, 1);
    if (ready(c)) break;
    futex_wait_shared(&c->shared->asleep, 1, CLOCK_NEVER);
  }
  atomic_store(&c->shared->asleep, 0);
  count_awake(c, true);
}

static bool has_bytes(Channel *c) { return ring_used(&c->tasks) > 0 || c->tasks.broken; }

static bool has_room(Channel *c) { return ring_room(&c->results) > 0 || c->results.broken; }

/* Gives the room of what was read back to the parent, who may wait for it. */
void channel_taken(Channel *c) {
  ring_publish_read(&c->tasks);
  if (atomic_load(&c->shared->parent_wants_room) != 0) channel_ring(c);
}

void channel_read(Channel *c, void *to, size_t n) {
  while (n > 0) {
    size_t piece = ring_piece(n), part = ring_read(&c->tasks, to, piece);
    if (c->tasks.broken) _exit(WORKER_BROKEN);
    n -= part;
    if (to != NULL) to = (unsigned char *)to + part;
    if (n == 0) return;
    channel_taken(c);
    if (part < piece) wait_for(c, has_bytes);
  }
}

void channel_write(Channel *c, const void *from, size_t n) {
  while (n > 0) {
    size_t piece = ring_piece(n), part = ring_write(&c->results, from, piece);
    if (c->results.broken) _exit(WORKER_BROKEN);
    n -= part;
    from = (const unsigned char *)from + part;
    if (n == 0) return;
    channel_given(c);
    if (part < piece) wait_for(c, has_room);
  }
}

void channel_given(Channel *c) {
  ring_publish_written(&c->results);
  channel_ring(c);
}

const void *channel_peek(Channel *c, size_t *n) {
  const void *bytes;
  *n = ring_piece(*n);
  while ((bytes = ring_peek(&c->tasks, n)) == NULL) {
    if (c->tasks.broken) _exit(WORKER_BROKEN);
    channel_taken(c);
    wait_for(c, has_bytes);
  }
  return bytes;
}

void channel_open(Channel *c, const Birth *birth, unsigned index) {
  *c = (Channel){.birth = birth, .pool = birth->shared, .shared = &birth->shared->workers[index]};
  ring_open(&c->tasks, &c->shared->tasks);
  ring_open(&c->results, &c->shared->results);
}

void channel_start(Channel *c) { count_awake(c, true); }
