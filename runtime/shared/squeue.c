/* See squeue.h. */
#include "runtime/shared/squeue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/state/finalizer.h"
#include "runtime/sync/blocking.h"

enum { LEAVE_LOCK = 65536 }; /* bytes; a longer copy is made without the interpreter lock */

static const int64_t CLOSED_LOOK_NS = 2000000;

typedef struct Chunk {
  uint32_t next, end; /* what follows, and where this one ends: once it is not the last */
  uint64_t begin;     /* where its records begin, for whoever comes from the chunk before it */
} Chunk;

typedef struct Record {
  uint32_t size;   /* of a small item */
  uint32_t extent; /* of a large one, 0: small */
  uint64_t large;  /* its size */
} Record;

typedef struct QueueWait {
  SharedWait w;
  const struct iovec *parts; /* put */
  int nparts;
  size_t size;
  uint32_t extent;           /* put: of a large item, which is written; 0 after it was put */
  uint32_t spare;            /* put: an empty chunk, if the last one is full; 0: none */
  uint32_t emptied;          /* get: a chunk to be freed, 0: none */
  QueueItem *item;           /* get; NULL: poll */
  int only;                  /* get: the first byte that it must have, < 0: any */
  bool again;                /* put: it was taken out and comes back, so it is counted as unfinished */
  SQueueResult result;
} QueueWait;

static SharedQueue *queue_of(const Shared *s) { return (SharedQueue *)s->object; }

static QueueState *state_of(SharedQueue *q) {
  return &q->states[atomic_load_explicit(&q->current, memory_order_relaxed) & 1];
}

/* The copy that a change is made in. */
static QueueState *draft(SharedQueue *q) {
  uint32_t current = atomic_load_explicit(&q->current, memory_order_relaxed) & 1;
  q->states[1 - current] = q->states[current];
  return &q->states[1 - current];
}

/* The only store of a change that counts. */
static void commit(SharedQueue *q) {
  uint32_t current = atomic_load_explicit(&q->current, memory_order_relaxed) & 1;
  const QueueState *s = &q->states[1 - current];
  assert((s->count == 0) == (s->head == s->tail && s->head_at == s->tail_at));
  (void)s;
  atomic_store_explicit(&q->current, 1 - current, memory_order_release);
}

uint64_t squeue_count(const SharedQueue *q) {
  uint32_t current = atomic_load_explicit(&q->current, memory_order_acquire) & 1;
  return q->states[current].count;
}

static size_t room_for(size_t size) { return (sizeof(Record) + size + 7) & ~(size_t)7; }

/* What records refer to is marked. */
static void mark_items(Arena *a, const QueueState *s, unsigned char *marks) {
  uint32_t chunk = s->head, at = s->head_at;
  for (uint64_t n = 0; n < s->count; n++) {
    const Chunk *c = arena_at(a, chunk);
    if (chunk != s->tail && at >= c->end) {
      chunk = c->next;
      marks[chunk] = 1;
      c = arena_at(a, chunk);
      at = (uint32_t)c->begin;
    }
    const Record *r = (const Record *)((const char *)c + at);
    if (r->extent != 0) marks[r->extent] = 1;
    at += (uint32_t)room_for(r->extent != 0 ? 0 : r->size);
  }
}

/* Frees what a dead process had given to the queue and not yet put in, or taken out and not yet taken over. With the guard of the
 * arena, too. */
static void tidy(Shared *s) {
  SharedQueue *q = queue_of(s);
  Arena *a = s->arena;
  const QueueState *state = state_of(q);
  uint32_t n = atomic_load_explicit(&a->head->count, memory_order_relaxed);
  unsigned char *marks = calloc(n + 1, 1);
  if (marks != NULL) {
    marks[q->o.index] = marks[state->head] = marks[state->tail] = 1;
    mark_items(a, state, marks);
    for (uint32_t i = 1; i <= n; i++)
      if (marks[i] == 0 && atomic_load_explicit(&a->extents[i].owner, memory_order_relaxed) == extent_of_object(q->o.index))
        arena_free(a, i);
    free(marks);
    q->untidy = 0;
  }
}

static void recover(Shared *s) {
  queue_of(s)->untidy = 1;
  if (!arena_enter(s->arena, clock_ns() + GUARD_LOOK_NS, NULL)) return;
  tidy(s);
  arena_leave(s->arena);
}

static size_t chunk_room(const Arena *a, uint32_t chunk) { return arena_size(a, chunk); }

static bool needs_chunk(const QueueWait *qw, SharedQueue *q) {
  const QueueState *s = state_of(q);
  size_t room = room_for(qw->extent != 0 ? 0 : qw->size);
  return s->tail == 0 || (s->count > 0 && s->tail_at + room > chunk_room(qw->w.handle->arena, s->tail));
}

static void copy_parts(const struct iovec *parts, int n, void *to) {
  for (int i = 0; i < n; i++) {
    if (parts[i].iov_len > 0) memcpy(to, parts[i].iov_base, parts[i].iov_len);
    to = (char *)to + parts[i].iov_len;
  }
}

/* A record at the end of the draft; it may come into the spare chunk. */
static void append(QueueWait *qw, SharedQueue *q) {
  Arena *a = qw->w.handle->arena;
  QueueState *s = draft(q);
  uint64_t owner = extent_of_object(q->o.index);
  if (qw->spare != 0) {
    Chunk *last = s->tail != 0 ? arena_at(a, s->tail) : NULL;
    *(Chunk *)arena_at(a, qw->spare) = (Chunk){.begin = sizeof(Chunk)};
    arena_give(a, qw->spare, owner);
    if (last != NULL) *last = (Chunk){.next = qw->spare, .end = s->tail_at, .begin = last->begin};
    s->tail = qw->spare;
    s->tail_at = sizeof(Chunk);
    if (s->head == 0) {
      s->head = s->tail;
      s->head_at = s->tail_at;
    }
  } else if (s->count == 0) { /* the same memory again, which the caches have */
    s->head_at = s->tail_at = sizeof(Chunk);
  }
  Record *r = (Record *)((char *)arena_at(a, s->tail) + s->tail_at);
  *r = (Record){.size = (uint32_t)qw->size, .extent = qw->extent, .large = qw->size};
  if (qw->extent != 0) arena_give(a, qw->extent, owner);
  else copy_parts(qw->parts, qw->nparts, r + 1);
  s->tail_at += (uint32_t)room_for(qw->extent != 0 ? 0 : qw->size);
  s->count++;
  if (!qw->again) s->unfinished++;
  commit(q);
  qw->extent = qw->spare = 0;
}

/* Is that end of a Pipe closed everywhere? Whether its holders live is asked now and then. */
static bool is_closed(const Shared *s, SharedQueue *q, uint32_t end, bool look) {
  if (q->o.peer == 0) return false;
  int64_t now = clock_ns();
  look |= now - q->looked > CLOSED_LOOK_NS;
  if (look) q->looked = now;
  return !shared_held(s, end, look);
}

/* False: somebody has the arena's guard. */
static bool find_chunk(QueueWait *qw, SharedQueue *q) {
  Arena *a = qw->w.handle->arena;
  if (qw->w.outside ? !arena_enter(a, clock_ns() + GUARD_LOOK_NS, NULL) : !arena_try(a)) return false;
  if (q->untidy != 0) tidy(qw->w.handle);
  qw->spare = arena_alloc(a, state_of(q)->tail == 0 ? CHUNK_FIRST : CHUNK_MORE);
  arena_leave(a);
  return true;
}

static bool try_put(SharedWait *w, bool look) {
  QueueWait *qw = (QueueWait *)w;
  SharedQueue *q = queue_of(w->handle);
  qw->result = SQUEUE_DONE;
  if (is_closed(w->handle, q, q->o.index, look)) {
    qw->result = SQUEUE_CLOSED;
    return true;
  }
  if (q->most != 0 && state_of(q)->count >= q->most) {
    qw->result = SQUEUE_FULL;
    return false;
  }
  if (needs_chunk(qw, q) && qw->spare == 0) {
    if (!find_chunk(qw, q)) return false; /* somebody stands still */
    if (qw->spare == 0) qw->result = SQUEUE_NO_MEMORY;
    if (qw->spare == 0) return true;
  }
  append(qw, q);
  places_grant(&q->places, QUEUE_GETTERS, 1, &w->woken);
  if (q->most != 0 && state_of(q)->count < q->most) places_grant(&q->places, QUEUE_PUTTERS, 1, &w->woken);
  return true;
}

/* The item at the head of the draft; it moves on to the next chunk first. */
static Record *first_record(QueueWait *qw, QueueState *s) {
  Arena *a = qw->w.handle->arena;
  const Chunk *c = arena_at(a, s->head);
  if (s->head != s->tail && s->head_at >= c->end) {
    qw->emptied = s->head;
    s->head = c->next;
    s->head_at = (uint32_t)((const Chunk *)arena_at(a, s->head))->begin;
  }
  return (Record *)((char *)arena_at(a, s->head) + s->head_at);
}

static void take(QueueWait *qw, SharedQueue *q) {
  Arena *a = qw->w.handle->arena;
  QueueState *s = draft(q);
  const Record *r = first_record(qw, s);
  QueueItem *item = qw->item;
  item->extent = r->extent;
  item->size = r->extent != 0 ? r->large : r->size;
  if (r->extent == 0) memcpy(item->small, r + 1, item->size);
  s->head_at += (uint32_t)room_for(r->extent != 0 ? 0 : r->size);
  s->count--;
  if (s->count == 0) s->head_at = s->tail_at; /* they are the same, in the same chunk */
  commit(q);
  if (item->extent != 0) arena_give(a, item->extent, shared_self());
  if (qw->emptied != 0) arena_give(a, qw->emptied, shared_self());
}

/* The first byte of the item at the head. */
static int first_byte(const QueueWait *qw, SharedQueue *q) {
  QueueWait look = {.w = {.handle = qw->w.handle}};
  QueueState state = *state_of(q);
  const Record *r = first_record(&look, &state);
  const unsigned char *bytes = r->extent != 0 ? arena_at(qw->w.handle->arena, r->extent) : (const unsigned char *)(r + 1);
  return r->extent == 0 && r->size == 0 ? -1 : bytes[0];
}

static bool try_get(SharedWait *w, bool look) {
  QueueWait *qw = (QueueWait *)w;
  SharedQueue *q = queue_of(w->handle);
  uint64_t count = state_of(q)->count;
  qw->result = SQUEUE_DONE;
  if (count == 0 && is_closed(w->handle, q, q->o.peer, look)) {
    qw->result = SQUEUE_CLOSED;
    return true;
  }
  if (count == 0) {
    qw->result = SQUEUE_EMPTY;
    return false;
  }
  if (qw->item != NULL && qw->only >= 0 && first_byte(qw, q) != qw->only) qw->result = SQUEUE_OTHER;
  if (qw->item == NULL || qw->result == SQUEUE_OTHER) {
    places_grant(&q->places, QUEUE_GETTERS, 1, &w->woken); /* a poll takes nothing: what it was told is the next one's, too */
    return true;
  }
  take(qw, q);
  if (count > 1) places_grant(&q->places, QUEUE_GETTERS, 1, &w->woken); /* one that died was told of more */
  /* Half of it is free first: to wake a producer for each place costs both more than the item does. */
  if (q->most != 0 && (count - 1) * 2 <= q->most) places_grant(&q->places, QUEUE_PUTTERS, 1, &w->woken);
  return true;
}

static void free_extent(Arena *a, uint32_t extent) {
  if (extent != 0) arena_free_own(a, extent);
}

/* Leaves the interpreter lock only if it must wait. */
static bool enter_arena(Tstate *ts, Arena *a) {
  if (arena_try(a)) return true;
  int looks = waits_forbidden(ts) ? 2 : 100;
  bool outside = ts->blocking == 0;
  if (outside) blocking_begin_wait(ts, "shared memory");
  bool entered = arena_enter(a, clock_ns() + looks * GUARD_LOOK_NS, NULL);
  if (outside) blocking_end(ts);
  return entered;
}

/* The bytes of a large item, written while nobody waits for it. 0: no room. */
static uint32_t write_large(Tstate *ts, Arena *a, const struct iovec *parts, int n, size_t size) {
  bool outside = size > LEAVE_LOCK && ts->blocking == 0;
  if (!enter_arena(ts, a)) return 0;
  uint32_t extent = arena_alloc(a, size);
  arena_leave(a);
  if (outside) blocking_begin(ts, "copy");
  if (extent != 0) copy_parts(parts, n, arena_at(a, extent));
  if (outside) blocking_end(ts);
  return extent;
}

/* This handle was closed meanwhile. */
static ParkResult closed_here(Shared *s, ParkResult outcome, SQueueResult *result) {
  if (outcome != PARK_TIMEOUT || !atomic_load(&s->closing)) return outcome;
  *result = SQUEUE_CLOSED;
  return PARK_GRANTED;
}

ParkResult squeue_put(Tstate *ts, Shared *s, const struct iovec *parts, int nparts, int64_t deadline, SQueueResult *result) {
  QueueWait qw = {.w = {.handle = s,
                        .places = &queue_of(s)->places,
                        .try = try_put,
                        .recover = recover,
                        .what = queue_of(s)->o.peer != 0 ? "send" : "shared Queue put",
                        .deadline = deadline,
                        .group = QUEUE_PUTTERS},
                  .parts = parts,
                  .nparts = nparts};
  for (int i = 0; i < nparts; i++) qw.size += parts[i].iov_len;
  if (qw.size > ITEM_SMALL) {
    qw.extent = write_large(ts, s->arena, parts, nparts, qw.size);
    *result = SQUEUE_NO_MEMORY;
    if (qw.extent == 0) return PARK_GRANTED;
  }
  ParkResult outcome = shared_wait(ts, &qw.w);
  free_extent(s->arena, qw.extent);
  free_extent(s->arena, qw.spare);
  *result = qw.result;
  return closed_here(s, outcome, result);
}

/* The item is the first record again, at an offset of a chunk. */
static void store_first(QueueWait *qw, SharedQueue *q, QueueState *s, uint32_t chunk, uint32_t at) {
  Arena *a = qw->w.handle->arena;
  const QueueItem *item = qw->item;
  Record *r = (Record *)((char *)arena_at(a, chunk) + at);
  *r = (Record){.size = (uint32_t)item->size, .extent = item->extent, .large = item->size};
  if (item->extent != 0) arena_give(a, item->extent, extent_of_object(q->o.index));
  else memcpy(r + 1, item->small, item->size);
  s->head = chunk;
  s->head_at = at;
  s->count++;
  commit(q);
}

static uint32_t new_chunk(Arena *a) {
  if (!arena_enter(a, clock_ns() + GUARD_LOOK_NS, NULL)) return 0;
  uint32_t chunk = arena_alloc(a, CHUNK_FIRST);
  arena_leave(a);
  return chunk;
}

/* Puts an item back before others: where it was, as what is before the head was taken out, or into a chunk of its own. */
static bool put_first(QueueWait *qw, SharedQueue *q) {
  Arena *a = qw->w.handle->arena;
  QueueState *s = draft(q);
  uint32_t room = (uint32_t)room_for(qw->item->extent != 0 ? 0 : qw->item->size);
  uint32_t chunk = s->head, at = s->head_at - room;
  if (s->head_at < sizeof(Chunk) + room) {
    if ((chunk = new_chunk(a)) == 0) return false;
    at = sizeof(Chunk);
    ((Chunk *)arena_at(a, s->head))->begin = s->head_at;
    *(Chunk *)arena_at(a, chunk) = (Chunk){.next = s->head, .end = at + room, .begin = at};
    arena_give(a, chunk, extent_of_object(q->o.index));
  }
  store_first(qw, q, s, chunk, at);
  return true;
}

/* Puts it back into the queue, which is empty. */
static bool put_only(QueueWait *qw, SharedQueue *q) {
  struct iovec bytes = {.iov_base = qw->item->small, .iov_len = qw->item->size};
  QueueWait back = {.w = {.handle = qw->w.handle}, .parts = &bytes, .nparts = 1, .size = qw->item->size,
                    .extent = qw->item->extent, .again = true};
  if (needs_chunk(&back, q) && (back.spare = new_chunk(qw->w.handle->arena)) == 0) return false;
  append(&back, q);
  return true;
}

static bool give_back(Tstate *ts, SharedWait *w) {
  QueueWait *qw = (QueueWait *)w;
  SharedQueue *q = queue_of(w->handle);
  Woken woken = {{0}};
  if (qw->result != SQUEUE_DONE) return true;
  if (shared_enter(ts, w->handle, recover) != PARK_GRANTED) return false;
  bool back = state_of(q)->count > 0 ? put_first(qw, q) : put_only(qw, q);
  if (back) places_grant(&q->places, QUEUE_GETTERS, 1, &woken);
  shared_leave(w->handle, &q->places, &woken);
  if (back) qw->item->extent = 0;
  return back;
}

bool squeue_put_back(Tstate *ts, Shared *s, QueueItem *item) {
  QueueWait qw = {.w = {.handle = s}, .item = item, .result = SQUEUE_DONE};
  return give_back(ts, &qw.w);
}

ParkResult squeue_get(Tstate *ts, Shared *s, int64_t deadline, int only, QueueItem *item, SQueueResult *result) {
  QueueWait qw = {.w = {.handle = s,
                        .places = &queue_of(s)->places,
                        .try = try_get,
                        .recover = recover,
                        .what = queue_of(s)->o.peer != 0 ? "recv" : "shared Queue get",
                        .deadline = deadline,
                        .group = QUEUE_GETTERS,
                        .give_back = give_back},
                  .item = item,
                  .only = only};
  ParkResult outcome = shared_wait(ts, &qw.w);
  free_extent(s->arena, qw.emptied);
  *result = qw.result;
  return closed_here(s, outcome, result);
}

ParkResult squeue_poll(Tstate *ts, Shared *s, int64_t deadline) {
  QueueWait qw = {.w = {.handle = s,
                        .places = &queue_of(s)->places,
                        .try = try_get,
                        .recover = recover,
                        .what = "poll",
                        .deadline = deadline,
                        .group = QUEUE_GETTERS}};
  ParkResult outcome = shared_wait(ts, &qw.w);
  return outcome;
}

ParkResult squeue_task_done(Tstate *ts, Shared *s, bool *refused) {
  SharedQueue *q = queue_of(s);
  Woken woken = {{0}};
  ParkResult outcome = shared_enter(ts, s, recover);
  if (outcome != PARK_GRANTED) return outcome;
  *refused = state_of(q)->unfinished == 0;
  if (!*refused) {
    QueueState *state = draft(q);
    if (--state->unfinished == 0) places_grant(&q->places, QUEUE_JOINERS, WAIT_PLACES, &woken);
    commit(q);
  }
  shared_leave(s, &q->places, &woken);
  return PARK_GRANTED;
}

static bool try_join(SharedWait *w, bool look) {
  (void)look;
  return w->granted || state_of(queue_of(w->handle))->unfinished == 0;
}

ParkResult squeue_join(Tstate *ts, Shared *s, int64_t deadline) {
  SharedWait w = {.handle = s,
                  .places = &queue_of(s)->places,
                  .try = try_join,
                  .recover = recover,
                  .what = "shared Queue join",
                  .deadline = deadline,
                  .group = QUEUE_JOINERS,
                  .stands = true};
  return shared_wait(ts, &w);
}
