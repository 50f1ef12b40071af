/* Waking: the leader and the collector in poll or on their futexes, followers, workers. */
#include "pool/process/wake.h"

#include <errno.h>
#include <unistd.h>

#include "runtime/os/futex.h"

void engine_kick(Engine *e) {
  uint64_t one = 1;
  while (e->event >= 0 && write(e->event, &one, sizeof one) < 0 && errno == EINTR) continue;
}

void engine_wake_collector(Engine *e) {
  atomic_store(&e->collector.word, 1);
  futex_wake(&e->collector.word, 1);
}

void engine_wake_worker(WorkerHandle *w) {
  if (atomic_load(&w->shared->asleep) != 0 && atomic_exchange(&w->shared->asleep, 0) != 0)
    futex_wake_shared(&w->shared->asleep, 1);
}

void engine_wake_follower(TaskWait *w) {
  atomic_store(&w->word, 1);
  futex_wake(&w->word, 1);
}

void engine_tell(Engine *e, TaskWait *w) {
  if (w->polls) engine_kick(e);
  else if (w->sleeps) engine_wake_follower(w);
}

void engine_tell_ready(Engine *e) {
  for (TaskWait *w = e->waits.first; w != NULL; w = w->next)
    if (w->task == NULL && w->ready(e, w)) engine_tell(e, w);
}
