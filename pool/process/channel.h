/* A worker's end of its two rings: it waits for bytes of tasks and for room for results. Who finds nonsense there ends the process. */
#ifndef GILUA_POOL_PROCESS_CHANNEL_H
#define GILUA_POOL_PROCESS_CHANNEL_H

#include "pool/process/birth.h"

typedef struct Channel {
  const Birth *birth;
  PoolShared *pool;
  WorkerShared *shared;
  RingEnd tasks, results;
} Channel;

/* channel_open makes the end of the worker with that index, which counts as awake from channel_start on. */
void channel_open(Channel *c, const Birth *birth, unsigned index);
void channel_start(Channel *c);

/* channel_read copies n bytes of tasks out (to NULL: drops them), channel_write n bytes of results in; they wait as long as it
 * takes. The other end sees what was read or written last after channel_taken and channel_given. */
void channel_read(Channel *c, void *to, size_t n);
void channel_write(Channel *c, const void *from, size_t n);
void channel_taken(Channel *c);
void channel_given(Channel *c);

/* channel_peek waits for bytes of tasks and returns some that stand together in the ring, at most *n; they are taken by
 * channel_read(c, NULL, *n). */
const void *channel_peek(Channel *c, size_t *n);

/* channel_ring wakes the parent if it sleeps in poll. */
void channel_ring(Channel *c);

#endif
