/* Reading results, and what becomes of tasks. Results are moved out of the rings at once: a worker that waits for room
 * while the parent waits for it would be the end of both.
 */
#include <stdlib.h>

#include "pool/process/drain.h"
#include "pool/process/orders.h"
#include "pool/process/result_files.h"
#include "pool/process/tasks.h"
#include "pool/process/wake.h"
#include "runtime/os/memory.h"

/* The tasks in front that were taken back are through. */
static void forget_taken(WorkerHandle *w) {
  while (w->count > 0 && w->sent[w->first] == NULL) {
    slot_set(&w->shared->slots[w->first], 0, SLOT_FREE);
    w->first = (w->first + 1) % SLOTS;
    w->count--;
  }
}

bool engine_taken_is_through(const WorkerHandle *w) {
  if (w->count == 0 || w->sent[w->first] != NULL) return false;
  return (atomic_load(&w->shared->slots[w->first].word) & ((1u << SLOT_BITS) - 1)) == SLOT_FREE;
}

/* A worker that skipped its last tasks says so only by their slots. */
static void look_at_taken(WorkerHandle *w) {
  while (engine_taken_is_through(w)) {
    w->first = (w->first + 1) % SLOTS;
    w->count--;
  }
}

/* What a worker says is believed as far as it can be. */
static void note_time(Engine *e, WorkerHandle *w, Task *t, int64_t ns) {
  WorkerCount *c = &e->shown.counts[worker_index(e, w)];
  c->tasks++;
  if (ns < 100) ns = 100;
  if (ns > INT64_C(1000000000000)) return;
  c->busy_ns += ns;
  t->place = worker_index(e, w);
  t->began_ns = atomic_load_explicit(&w->shared->slots[w->first].began_ns, memory_order_relaxed);
  t->ended_ns = t->began_ns + ns;
  e->mean_ns = e->mean_ns == 0 ? ns : (e->mean_ns * 7 + ns) / 8;
}

/* How many bytes follow. */
static size_t body_size(const Record *r) { return r->size + r->extra * sizeof(int); }

/* The whole result of the first task with w is there. False: it is no such thing. */
static bool finish(Engine *e, WorkerHandle *w) {
  const Record *r = &w->head;
  forget_taken(w);
  if (w->count == 0 || r->slot != w->first || r->id != w->sent[w->first]->id) return false;
  Task *t = w->sent[w->first];
  if (!t->init) note_time(e, w, t, r->ns);
  slot_set(&w->shared->slots[w->first], t->id, SLOT_FREE);
  w->first = (w->first + 1) % SLOTS;
  w->count--;
  t->result = *r;
  t->bytes = w->body;
  if (r->extra > 0 && t->bytes != NULL) t->files = result_files_fetch(w->pid, t->bytes + r->size, r->extra);
  w->body = NULL;
  w->got = 0;
  if (t->init) {
    if (r->kind == RECORD_ERROR) engine_break(e, 0, t);
    else engine_decide(e, t, TASK_DONE);
    return true;
  }
  engine_decide(e, t, t->bytes == NULL && body_size(r) > 0 ? (t->failure = FAILURE_MEMORY, TASK_FAILED) : TASK_DONE);
  return true;
}

static bool head_sane(const Record *r) {
  return (r->kind == RECORD_VALUES || r->kind == RECORD_ERROR) && r->slot < SLOTS && r->size <= PTRDIFF_MAX / 2 &&
         r->extra <= MOST_RESULT_FILES;
}

/* Reads on; false when there is nothing more, or nonsense, or after a piece of a long result. */
static bool read_on(Engine *e, WorkerHandle *w) {
  if (w->got < sizeof(Record)) {
    size_t n = ring_read(&w->results, (char *)&w->head + w->got, sizeof(Record) - w->got);
    w->got += n;
    if (w->got < sizeof(Record)) return false;
    size_t size = body_size(&w->head);
    if (!head_sane(&w->head)) w->results.broken = true;
    else w->body = size > 0 ? malloc(size) : NULL; /* NULL: the bytes are dropped, the task fails */
    os_large_block(w->body, size);
  }
  if (w->results.broken) return false;
  size_t at = w->got - sizeof(Record), left = body_size(&w->head) - at;
  size_t n = ring_read(&w->results, w->body != NULL ? w->body + at : NULL, ring_piece(left));
  w->got += n;
  if (n < left) return false;
  if (finish(e, w)) return true;
  w->results.broken = true;
  return false;
}

bool engine_drain_worker(Engine *e, WorkerHandle *w) {
  uint32_t before = w->results.own;
  if (w->results.broken) return false;
  if (ring_used(&w->results) > 0)
    while (read_on(e, w)) continue;
  if (w->results.broken) engine_kill(e, w);
  look_at_taken(w);
  if (w->results.own == before) return false;
  ring_publish_read(&w->results);
  /* it waits for room only if the ring was full as it saw it */
  if (atomic_load(&w->results.ring->tail) - before >= RING_SIZE) engine_wake_worker(w);
  return true;
}

bool engine_drain(Engine *e) {
  bool any = false;
  for (unsigned i = 0; i < e->used; i++) {
    WorkerHandle *w = &e->workers[i];
    if (w->state == WORKER_LIVE) any = engine_drain_worker(e, w) || any;
  }
  return any;
}
