/* See reach.h. */
#include "tests/model/reach.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TABLE_BITS = 24 };

typedef struct Edge {
  uint32_t from, next;
} Edge;

static const ReachModel *model;
static uint8_t *states;
static uint32_t *first_edge; /* by state: of those that lead to it */
static bool *reaches;
static Edge *edges;
static uint32_t *table;
static uint32_t count, room, edge_count, edge_room, current;

static const void *state_at(uint32_t i) { return states + (size_t)i * model->size; }

static _Noreturn void fail(const void *s, const char *what) {
  printf("not ok - %s: ", what);
  model->print(s);
  printf("\n");
  exit(1);
}

static void *grow(void *p, size_t size) {
  p = realloc(p, size);
  if (p == NULL) exit(2);
  return p;
}

static uint32_t add(const void *s) {
  if (count == room) {
    room = room * 2 + 1024;
    states = grow(states, room * model->size);
    first_edge = grow(first_edge, room * sizeof *first_edge);
  }
  if (count > (1u << TABLE_BITS) / 4 * 3) exit(2);
  memcpy(states + (size_t)count * model->size, s, model->size);
  first_edge[count] = 0;
  const char *wrong = model->wrong(s);
  if (wrong != NULL) fail(s, wrong);
  return count++;
}

static uint32_t find(const void *s) {
  uint64_t h = 1469598103934665603u;
  const uint8_t *bytes = s;
  for (size_t i = 0; i < model->size; i++) h = (h ^ bytes[i]) * 1099511628211u;
  for (uint32_t at = (uint32_t)(h >> 20) & ((1u << TABLE_BITS) - 1);; at = (at + 1) & ((1u << TABLE_BITS) - 1)) {
    if (table[at] == 0) {
      uint32_t i = add(s);
      table[at] = i + 1;
      return i;
    }
    if (memcmp(state_at(table[at] - 1), s, model->size) == 0) return table[at] - 1;
  }
}

void reach_go(const void *s) {
  uint32_t i = find(s);
  if (edge_count == edge_room) edges = grow(edges, (edge_room = edge_room * 2 + 1024) * sizeof *edges);
  edges[edge_count] = (Edge){current, first_edge[i]};
  first_edge[i] = ++edge_count;
}

static void mark_reaching(void) {
  uint32_t n = 0, *work = grow(NULL, count * sizeof *work);
  reaches = grow(NULL, count * sizeof *reaches);
  for (uint32_t i = 0; i < count; i++) {
    reaches[i] = model->good(state_at(i));
    if (reaches[i]) work[n++] = i;
  }
  while (n > 0) {
    for (uint32_t e = first_edge[work[--n]]; e != 0; e = edges[e - 1].next) {
      if (reaches[edges[e - 1].from]) continue;
      reaches[edges[e - 1].from] = true;
      work[n++] = edges[e - 1].from;
    }
  }
  free(work);
}

void reach_run(const ReachModel *m, const void *first, const char *holds) {
  uint8_t *s = grow(NULL, m->size);
  model = m;
  table = calloc((size_t)1 << TABLE_BITS, sizeof *table);
  if (table == NULL) exit(2);
  find(first);
  for (current = 0; current < count; current++) {
    memcpy(s, state_at(current), m->size); /* the states may move */
    m->expand(s);
  }
  mark_reaching();
  for (uint32_t i = 0; i < count; i++)
    if (!reaches[i] && m->asked(state_at(i))) fail(state_at(i), "somebody waits for ever");
  printf("ok - %u states: %s\n", count, holds);
  free(s);
  free(states);
  free(first_edge);
  free(reaches);
  free(edges);
  free(table);
  exit(0);
}
