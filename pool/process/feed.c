/* Giving tasks to workers.
 *
 * All tasks wait in one queue. A ring holds some 100 us of work ahead, by the mean of what tasks took; nothing is sent
 * ahead when they take longer than a millisecond, or while that is not known. An idle worker with an empty queue gets
 * what another one has not begun.
 */
#include <stdlib.h>
#include <string.h>

#include "pool/process/feed.h"
#include "pool/process/orders.h"
#include "pool/process/tasks.h"
#include "pool/process/wake.h"

enum { AHEAD_NS = 100000, LONG_NS = 1000000, MOST_AHEAD = SLOTS - 16 };

static void publish(WorkerHandle *w) {
  ring_publish_written(&w->tasks);
  engine_wake_worker(w);
}

void engine_pump(Engine *e, WorkerHandle *w) {
  Outgoing *out = &w->out;
  bool wrote = false;
  while (out->task != NULL && !w->tasks.broken) {
    const Segment *s = &out->segments[out->at];
    size_t piece = ring_piece(s->size - out->offset);
    size_t n = ring_write(&w->tasks, (const char *)s->bytes + out->offset, piece);
    wrote = wrote || n > 0;
    out->offset += n;
    if (n == RING_PIECE) publish(w);
    if (n < piece) {
      if (atomic_load(&w->shared->parent_wants_room) == 0) {
        atomic_store(&w->shared->parent_wants_room, 1); /* seq_cst: then look at the room once more */
        continue;
      }
      break;
    }
    if (out->offset < s->size) continue;
    out->offset = 0;
    if (++out->at < out->n) continue;
    outgoing_free(out);
    atomic_store_explicit(&w->shared->parent_wants_room, 0, memory_order_relaxed);
  }
  if (w->tasks.broken) engine_kill(e, w);
  if (wrote && !w->tasks.broken) publish(w);
}

/* Whether the worker was told a code. It forgets all codes when it is told one of another epoch, and nothing else. */
static bool was_told(const WorkerHandle *w, const PickleCode *code) {
  return w->epoch == code->epoch && code->id < TOLD_CODES && (w->codes[code->id / 64] >> code->id % 64 & 1) != 0;
}

static void add(Outgoing *out, const void *bytes, size_t size) {
  if (size > 0) out->segments[out->n++] = (Segment){bytes, size};
}

static void add_message(Outgoing *out, const PickleMessage *m) {
  size_t at = 0;
  add(out, out->places, out->head.extra * sizeof(StringPlace));
  for (unsigned i = 0; i < m->npieces; i++) {
    add(out, m->bytes + at, m->pieces[i].at - at);
    add(out, m->pieces[i].data, m->pieces[i].size);
    at = m->pieces[i].at;
  }
  add(out, m->bytes + at, m->size - at);
}

/* The definitions that the worker lacks, in front of the task. The codes of a message are of one epoch, each once. */
static void add_definitions(Outgoing *out, WorkerHandle *w, const PickleMessage *m) {
  unsigned n = 0;
  if (m->ncodes > 0 && m->codes[0]->epoch != w->epoch) {
    memset(w->codes, 0, sizeof w->codes);
    w->epoch = m->codes[0]->epoch;
    out->definitions[n] = (Record){.kind = RECORD_FORGET};
    add(out, &out->definitions[n++], sizeof(Record));
  }
  for (unsigned i = 0; i < m->ncodes; i++) {
    const PickleCode *code = m->codes[i];
    if (was_told(w, code)) continue;
    if (code->id < TOLD_CODES) w->codes[code->id / 64] |= UINT64_C(1) << code->id % 64;
    out->definitions[n] = (Record){.kind = RECORD_DEFINE, .id = code->id, .size = code->size};
    add(out, &out->definitions[n++], sizeof(Record));
    add(out, code->bytes, code->size);
  }
}

/* Where the worker finds long strings; without memory it is not told, and copies once more. */
static void add_places(Outgoing *out, const PickleMessage *m) {
  if (m->npieces == 0 || m->npieces > UINT16_MAX) return;
  out->places = malloc(m->npieces * sizeof *out->places);
  for (unsigned i = 0; out->places != NULL && i < m->npieces; i++)
    out->places[i] = (StringPlace){m->pieces[i].at + m->pieces[i].before, m->pieces[i].size};
  if (out->places != NULL) out->head.extra = (uint16_t)m->npieces;
}

static bool prepare(WorkerHandle *w, Task *t) {
  Outgoing *out = &w->out;
  const PickleMessage *m = &t->message;
  unsigned missing = 0;
  for (unsigned i = 0; i < m->ncodes; i++) missing += !was_told(w, m->codes[i]);
  size_t heads = missing > 0 ? (size_t)missing + 1 : 0; /* one more to forget the others */
  size_t most = 3 + 2 * (size_t)m->npieces + 2 * heads;
  *out = (Outgoing){.segments = out->inlined};
  if (most > sizeof out->inlined / sizeof out->inlined[0]) out->segments = malloc(most * sizeof(Segment));
  if (heads > 0) out->definitions = malloc(heads * sizeof(Record));
  if (out->segments == NULL || (missing > 0 && out->definitions == NULL)) {
    outgoing_free(out);
    return false;
  }
  add_definitions(out, w, m);
  add_places(out, m);
  add(out, &out->head, sizeof out->head);
  add_message(out, m);
  return true;
}

bool engine_send(Engine *e, WorkerHandle *w, Task *t) {
  unsigned slot = (w->first + w->count) % SLOTS;
  if (!prepare(w, t)) return false;
  w->out.head = (Record){.kind = t->init ? RECORD_INIT : RECORD_CALL, .slot = slot, .id = t->id,
                         .size = pickle_message_size(&t->message), .extra = w->out.head.extra};
  w->out.task = t;
  atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
  slot_set(&w->shared->slots[slot], t->id, SLOT_QUEUED);
  w->sent[slot] = t;
  w->count++;
  if (!t->init) w->given++;
  task_move(t, TASK_SENT);
  engine_pump(e, w);
  return true;
}

/* How many tasks may be with one worker, the running one included. */
static unsigned depth(const Engine *e, const WorkerHandle *w) {
  unsigned n = 1;
  if (e->mean_ns > 0 && e->mean_ns < LONG_NS) {
    int64_t ahead = AHEAD_NS / e->mean_ns;
    n = ahead > MOST_AHEAD ? MOST_AHEAD : (unsigned)ahead + 1;
  }
  unsigned most = e->options.max_tasks;
  if (most != 0 && n > most - (w->given - w->count)) n = most - (w->given - w->count);
  const Task *first = w->count > 0 ? w->sent[w->first] : NULL;
  return first != NULL && first->alone ? 1 : n;
}

static bool worn_out(const Engine *e, const WorkerHandle *w) {
  return e->options.max_tasks != 0 && w->given >= e->options.max_tasks;
}

/* The worker with the least to do that takes one more; NULL if none does. */
static WorkerHandle *choose(Engine *e, bool alone) {
  WorkerHandle *best = NULL;
  for (unsigned i = 0; i < e->used; i++) {
    WorkerHandle *w = &e->workers[i];
    if (w->state != WORKER_LIVE || w->out.task != NULL || worn_out(e, w)) continue;
    if (w->count >= (alone ? 1 : depth(e, w))) continue;
    if (best == NULL || w->count < best->count) best = w;
    if (best->count == 0) break;
  }
  return best;
}

static void reset_shared(WorkerShared *s) {
  atomic_store_explicit(&s->asleep, 0, memory_order_relaxed);
  atomic_store_explicit(&s->parent_wants_room, 0, memory_order_relaxed);
  memset(s->slots, 0, sizeof s->slots);
  atomic_store(&s->tasks.head, 0);
  atomic_store(&s->tasks.tail, 0);
  atomic_store(&s->results.head, 0);
  atomic_store(&s->results.tail, 0);
}

static void ask_for_worker(Engine *e) {
  if (e->refused_at != 0) return;
  for (unsigned i = 0; i < e->options.max_workers; i++) {
    WorkerHandle *w = &e->workers[i];
    if (w->state != WORKER_NONE) continue;
    WorkerShared *shared = w->shared;
    *w = (WorkerHandle){.shared = shared, .generation = ++e->last_generation};
    w->out.segments = w->out.inlined;
    reset_shared(shared);
    ring_open(&w->tasks, &shared->tasks);
    ring_open(&w->results, &shared->results);
    if (!engine_ask(e, ZYGOTE_FORK, w)) return;
    w->state = WORKER_BIRTH;
    if (i >= e->used) e->used = i + 1;
    e->births++;
    return;
  }
}

/* Takes the last task that this worker has not begun back into the queue. */
static bool take_back(Engine *e, WorkerHandle *w) {
  for (unsigned i = w->count; i-- > 1;) {
    unsigned slot = (w->first + i) % SLOTS;
    Task *t = w->sent[slot];
    if (t == NULL || !slot_move(&w->shared->slots[slot], t->id, SLOT_QUEUED, SLOT_TAKEN)) continue;
    w->sent[slot] = NULL;
    w->given--;
    task_move(t, TASK_QUEUED);
    engine_enqueue(e, t, true);
    return true;
  }
  return false;
}

/* An idle worker and nothing to give: a task that waits behind another one. */
static bool rebalance(Engine *e) {
  WorkerHandle *full = NULL;
  for (unsigned i = 0; i < e->used; i++) {
    WorkerHandle *w = &e->workers[i];
    if (w->state == WORKER_LIVE && w->count > 1 && (full == NULL || w->count > full->count)) full = w;
  }
  return full != NULL && take_back(e, full);
}

static bool somebody_idle(const Engine *e) {
  for (unsigned i = 0; i < e->used; i++)
    if (e->workers[i].state == WORKER_LIVE && e->workers[i].count == 0 && !worn_out(e, &e->workers[i])) return true;
  return false;
}

void engine_feed(Engine *e) {
  if (e->refused_at != 0 && clock_ns() >= e->refused_at + REFUSED_NS) e->refused_at = 0;
  for (unsigned i = 0; i < e->used; i++) {
    WorkerHandle *w = &e->workers[i];
    if (w->state == WORKER_DYING && !w->told) w->told = engine_ask(e, ZYGOTE_KILL, w);
    if (w->state != WORKER_LIVE) continue;
    if (w->out.task != NULL) engine_pump(e, w);
    else if (w->count == 0 && worn_out(e, w)) engine_kill(e, w); /* its results are in, its output flushed */
  }
  if (e->broken.yes || e->zygote.lost) return;
  while (e->queue.first != NULL || (e->live > 1 && somebody_idle(e) && rebalance(e))) {
    Task *t = e->queue.first;
    WorkerHandle *w = choose(e, t->alone);
    if ((w == NULL || w->count > 0) && e->live + e->births < e->options.max_workers && e->births < e->queue.n)
      ask_for_worker(e);
    if (w == NULL) return;
    engine_unqueue(e, t);
    if (!engine_send(e, w, t)) {
      engine_enqueue(e, t, true);
      e->refused_at = clock_ns();
      return;
    }
  }
}
