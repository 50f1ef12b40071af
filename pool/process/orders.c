/* What the zygote is told about workers, and the pool that cannot work any more. */
#include "pool/process/orders.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "pool/process/tasks.h"

void outgoing_free(Outgoing *out) {
  free(out->definitions);
  free(out->places);
  if (out->segments != out->inlined) free(out->segments);
  if (out->task != NULL) engine_unref(out->task);
  *out = (Outgoing){.segments = out->inlined};
}

bool engine_ask(Engine *e, ZygoteOp op, const WorkerHandle *w) {
  ZygoteMessage m = {.op = op, .index = worker_index(e, w), .generation = w->generation};
  return e->zygote.socket >= 0 && send(e->zygote.socket, &m, sizeof m, MSG_DONTWAIT | MSG_NOSIGNAL) == sizeof m;
}

void engine_pass_signal(Engine *e, int sig) {
  const WorkerHandle *w = &e->workers[0];
  ZygoteMessage m = {.op = ZYGOTE_KILL, .generation = w->generation, .status = sig};
  if (w->state == WORKER_LIVE && e->zygote.socket >= 0) send(e->zygote.socket, &m, sizeof m, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void engine_kill(Engine *e, WorkerHandle *w) {
  if (w->state != WORKER_LIVE) return;
  w->state = WORKER_DYING;
  w->told = engine_ask(e, ZYGOTE_KILL, w);
}

void engine_break(Engine *e, int error, Task *cause) {
  if (e->broken.yes) {
    if (cause != NULL) engine_decide(e, cause, TASK_FAILED);
    return;
  }
  e->broken.yes = true;
  e->broken.error = error;
  if (cause != NULL) {
    atomic_fetch_add_explicit(&cause->refs, 1, memory_order_relaxed);
    e->broken.cause = cause;
    engine_decide(e, cause, TASK_FAILED);
  }
  while (e->queue.first != NULL) {
    Task *t = e->queue.first;
    engine_unqueue(e, t);
    t->failure = FAILURE_BROKEN;
    engine_decide(e, t, TASK_FAILED);
  }
  for (unsigned i = 0; i < e->used; i++) engine_kill(e, &e->workers[i]);
}
