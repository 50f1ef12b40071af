/* A model of what processes share, searched exhaustively: every order in which processes can take their steps, and every death
 * between two of them.
 *
 * Two producers put a large item each, two consumers take them; at most DEATHS of them are killed. A step is one store to shared
 * memory, one compare-exchange or one system call, as in runtime/shared: guard.c, wait.c, squeue.c. Time is left out:
 * a sleeper may look at any moment. Checked in every state:
 *   once          no item comes out twice
 *   whole         an item that the state leads to lies in memory that belongs to the queue
 * and over all states:
 *   nothing hangs    whatever happened, the living can go on to where no item is left in the queue that one of them could have,
 *                    and nobody has the guard
 *   nothing leaks    there, after a recovery and a sweep, no memory belongs to the queue or to the dead
 * Broken variants (-DBREAK_…) show that the search finds such faults; the test runs them, too.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PRODUCERS = 2, CONSUMERS = 2, PROCESSES = PRODUCERS + CONSUMERS, DEATHS = 2, TABLE_BITS = 23 };
enum { NOBODY = 0, QUEUE = 0xF }; /* owners; a process p is p + 1 */
enum { FREE, WAITING, ASLEEP, GRANTED };

/* Where a process is in its code. */
enum {
  BEGIN,   /* producer: its extent; consumer: wants the guard */
  GUARD,   /* wants the guard */
  RECOVER, /* has it from a dead process */
  DRAFT,   /* has it: copies the state; consumer: or takes its place */
  GIVE,    /* producer: the extent is the queue's */
  CHANGE,  /* the draft */
  COMMIT,
  AFTER,   /* producer: grants; consumer: the extent is its own */
  UNPLACE, /* consumer: gives up its place */
  LEAVE,   /* the guard */
  WAKE,    /* producer: whom it granted */
  READ,    /* consumer: delivers, and frees the extent */
  TO_SLEEP, /* consumer: left the guard with a place */
  SLEEPING,
  DONE,
  DEAD
};

typedef struct Queue {
  uint8_t n, items[PRODUCERS];
} Queue;

typedef struct State {
  uint8_t pc[PROCESSES], hand[PROCESSES]; /* hand: what a consumer took, or whom a producer is to wake; + 1 */
  uint8_t place[CONSUMERS];
  uint8_t guard, current, deaths;
  uint8_t extent[PRODUCERS], delivered[PRODUCERS];
  Queue queue[2];
} State;

typedef struct Node {
  State s;
  uint32_t from; /* first edge that leads here */
  bool good, reaches;
} Node;

typedef struct Edge {
  uint32_t from, next;
} Edge;

static Node *nodes;
static Edge *edges;
static uint32_t *table;
static uint32_t count, edge_count, room, edge_room;

static void fail(const State *s, const char *what) {
  printf("not ok - %s: pcs %d %d %d %d, guard %d, extents %d %d, queue %d\n", what, s->pc[0], s->pc[1], s->pc[2], s->pc[3],
         s->guard, s->extent[0], s->extent[1], s->queue[s->current].n);
  exit(1);
}

static bool is_in(const Queue *q, int item) {
  for (int i = 0; i < q->n; i++)
    if (q->items[i] == item) return true;
  return false;
}

static void check(const State *s) {
  const Queue *q = &s->queue[s->current];
  for (int i = 0; i < PRODUCERS; i++) {
    if (s->delivered[i] > 1) fail(s, "an item came out twice");
    if (is_in(q, i) && s->extent[i] != QUEUE) fail(s, "an item in the queue lies in memory that is not the queue's");
  }
}

static void *grow(void *p, size_t size) {
  p = realloc(p, size);
  if (p == NULL) exit(2);
  return p;
}

static uint32_t find(const State *s) {
  uint64_t h = 1469598103934665603u;
  const uint8_t *bytes = (const uint8_t *)s;
  for (size_t i = 0; i < sizeof *s; i++) h = (h ^ bytes[i]) * 1099511628211u;
  for (uint32_t at = (uint32_t)(h >> 20) & ((1u << TABLE_BITS) - 1);; at = (at + 1) & ((1u << TABLE_BITS) - 1)) {
    if (table[at] == 0) {
      if (count == room) nodes = grow(nodes, (room = room * 2 + 1024) * sizeof *nodes);
      if (count > (1u << TABLE_BITS) / 4 * 3) exit(2);
      nodes[count] = (Node){.s = *s};
      table[at] = ++count;
      check(s);
      return count - 1;
    }
    if (memcmp(&nodes[table[at] - 1].s, s, sizeof *s) == 0) return table[at] - 1;
  }
}

static void go(uint32_t from, const State *to) {
  uint32_t i = find(to);
  if (edge_count == edge_room) edges = grow(edges, (edge_room = edge_room * 2 + 1024) * sizeof *edges);
  edges[edge_count] = (Edge){from, nodes[i].from};
  nodes[i].from = ++edge_count;
}

static bool dead(const State *s, int owner) { return owner != NOBODY && owner != QUEUE && s->pc[owner - 1] == DEAD; }

/* What the queue's state does not lead to is free again. */
static void recover(State *s) {
#ifndef BREAK_RECOVER
  for (int i = 0; i < PRODUCERS; i++)
    if (s->extent[i] == QUEUE && !is_in(&s->queue[s->current], i)) s->extent[i] = NOBODY;
#else
  (void)s;
#endif
}

/* Returns false if p cannot take it now. */
static bool take_guard(State *s, int p) {
  if (s->guard != NOBODY && !dead(s, s->guard)) return false;
  s->pc[p] = s->guard == NOBODY ? DRAFT : RECOVER;
  s->guard = (uint8_t)(p + 1);
  return true;
}

static Queue *draft(State *s) { return &s->queue[1 - s->current]; }

static void put_item(Queue *q, int p) { q->items[q->n - 1] = (uint8_t)p; }

static void take_item(State *s, Queue *q, int p) {
  s->hand[p] = (uint8_t)(q->items[0] + 1);
  memmove(q->items, q->items + 1, sizeof q->items - 1);
  q->items[PRODUCERS - 1] = 0;
}

#ifdef BREAK_COMMIT
/* In place, in two stores: the number first. */
static void change(State *s, int p) { s->queue[s->current].n += p < PRODUCERS ? 1 : -1; }

static void commit(State *s, int p) {
  if (p < PRODUCERS) put_item(&s->queue[s->current], p);
  else take_item(s, &s->queue[s->current], p);
}
#else
static void change(State *s, int p) {
  Queue *q = draft(s);
  q->n += p < PRODUCERS ? 1 : -1;
  if (p < PRODUCERS) put_item(q, p);
  else take_item(s, q, p);
}

static void commit(State *s, int p) {
  (void)p;
  s->current = 1 - s->current;
}
#endif

static void grant(State *s, int p) {
  for (int c = 0; c < CONSUMERS; c++) {
    if (s->place[c] != WAITING && s->place[c] != ASLEEP) continue;
    s->hand[p] = s->place[c] == ASLEEP ? (uint8_t)(c + 1) : 0;
    s->place[c] = GRANTED;
    return;
  }
}

static bool step_producer(State *s, int p) {
  uint8_t *pc = &s->pc[p];
  switch (*pc) {
    case BEGIN: s->extent[p] = (uint8_t)(p + 1); *pc = GUARD; return true;
    case GUARD: return take_guard(s, p);
    case RECOVER: recover(s); *pc = DRAFT; return true;
    case DRAFT: *draft(s) = s->queue[s->current]; *pc = GIVE; return true;
#ifdef BREAK_GIVE
    case GIVE: *pc = CHANGE; return true;
#else
    case GIVE: s->extent[p] = QUEUE; *pc = CHANGE; return true;
#endif
    case CHANGE: change(s, p); *pc = COMMIT; return true;
    case COMMIT: commit(s, p); *pc = AFTER; return true;
    case AFTER: grant(s, p); *pc = LEAVE; return true;
    case LEAVE: s->guard = NOBODY; *pc = s->hand[p] != 0 ? WAKE : DONE; return true;
    case WAKE: /* the sleeper's word has changed already: what is left is that it wakes */
      if (s->pc[PRODUCERS + s->hand[p] - 1] == SLEEPING) s->pc[PRODUCERS + s->hand[p] - 1] = BEGIN;
      s->hand[p] = 0;
      *pc = DONE;
      return true;
    default: return false;
  }
}

static bool begin_take(State *s, int p) {
  uint8_t *place = &s->place[p - PRODUCERS];
  if (s->queue[s->current].n == 0) {
    *place = WAITING;
    s->pc[p] = TO_SLEEP;
    s->guard = NOBODY; /* leaves it in the same step: nothing is half done */
    return true;
  }
  *draft(s) = s->queue[s->current];
  s->pc[p] = CHANGE;
  return true;
}

static bool step_consumer(State *s, int p) {
  uint8_t *pc = &s->pc[p], *place = &s->place[p - PRODUCERS];
  int item = s->hand[p] - 1;
  switch (*pc) {
    case BEGIN: return take_guard(s, p);
    case RECOVER: recover(s); *pc = DRAFT; return true;
    case DRAFT: return begin_take(s, p);
    case CHANGE: change(s, p); *pc = COMMIT; return true;
    case COMMIT: commit(s, p); *pc = AFTER; return true;
    case AFTER: s->extent[item] = (uint8_t)(p + 1); *pc = UNPLACE; return true;
    case UNPLACE: *place = FREE; *pc = LEAVE; return true;
    case LEAVE: s->guard = NOBODY; *pc = READ; return true;
    case READ:
      s->delivered[item]++;
      s->extent[item] = NOBODY;
      s->hand[p] = 0;
      *pc = BEGIN;
      return true;
    case TO_SLEEP:
      if (*place == WAITING) *place = ASLEEP;
      *pc = *place == ASLEEP ? SLEEPING : BEGIN;
      return true;
#ifdef BREAK_LOOK
    case SLEEPING: return false;
#else
    case SLEEPING: /* looks */
      if (*place == ASLEEP) *place = WAITING;
      *pc = BEGIN;
      return true;
#endif
    default: return false;
  }
}

static bool can_step(const State *s, int p) { return s->pc[p] != DONE && s->pc[p] != DEAD; }

static void expand(uint32_t i) {
  for (int p = 0; p < PROCESSES; p++) {
    State s = nodes[i].s;
    if (!can_step(&s, p)) continue;
    if (p < PRODUCERS ? step_producer(&s, p) : step_consumer(&s, p)) go(i, &s);
    s = nodes[i].s;
    if (s.deaths == DEATHS) continue;
    s.pc[p] = DEAD;
    s.hand[p] = 0;
    s.deaths++;
    go(i, &s);
  }
}

static bool is_good(const State *s) {
  bool consumer = false;
  for (int p = 0; p < PRODUCERS; p++)
    if (s->pc[p] != DONE && s->pc[p] != DEAD) return false;
  for (int p = PRODUCERS; p < PROCESSES; p++) {
    if (s->pc[p] == DEAD) continue;
    consumer = true;
    if (s->pc[p] != SLEEPING && s->pc[p] != TO_SLEEP && s->pc[p] != BEGIN) return false;
  }
  return s->guard == NOBODY && (s->queue[s->current].n == 0 || !consumer);
}

/* A sweep frees what belongs to the dead; whatever else is left belongs to nobody. */
static void check_leaks(const State *s) {
  for (int i = 0; i < PRODUCERS; i++)
    if (s->extent[i] != NOBODY && !dead(s, s->extent[i]) && !is_in(&s->queue[s->current], i))
      fail(s, "memory that nobody refers to is not free");
}

/* Without anybody alive who could take the guard it stays with the dead: that is no fault. */
static bool nobody_lives(const State *s) {
  for (int p = 0; p < PROCESSES; p++)
    if (s->pc[p] != DEAD && s->pc[p] != DONE) return false;
  return true;
}

static void mark_good(uint32_t *work) {
  uint32_t n = 0;
  for (uint32_t i = 0; i < count; i++) {
    nodes[i].good = is_good(&nodes[i].s);
    if (nodes[i].good) check_leaks(&nodes[i].s);
    nodes[i].reaches = nodes[i].good || nobody_lives(&nodes[i].s);
    if (nodes[i].reaches) work[n++] = i;
  }
  while (n > 0) {
    for (uint32_t e = nodes[work[--n]].from; e != 0; e = edges[e - 1].next) {
      Node *from = &nodes[edges[e - 1].from];
      if (from->reaches) continue;
      from->reaches = true;
      work[n++] = edges[e - 1].from;
    }
  }
}

/* Whether the living go on is asked where no death is left to happen. */
int main(void) {
  table = calloc((size_t)1 << TABLE_BITS, sizeof *table);
  if (table == NULL) return 2;
  State first;
  memset(&first, 0, sizeof first);
  find(&first);
  for (uint32_t i = 0; i < count; i++) expand(i);
  uint32_t *work = grow(NULL, count * sizeof *work);
  mark_good(work);
  for (uint32_t i = 0; i < count; i++)
    if (!nodes[i].reaches && nodes[i].s.deaths == DEATHS) fail(&nodes[i].s, "somebody waits for ever");
  printf("ok - %u states: whoever is killed wherever, no item comes twice, none is lost and nobody waits for ever\n", count);
  free(work);
  free(nodes);
  free(edges);
  free(table);
  return 0;
}
