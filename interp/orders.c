/* Orders by the number of their preemptions: those with fewer are run first, since most mistakes need few.
 *
 * Source: Musuvathi and Qadeer, "Iterative context bounding for systematic testing of multithreaded programs", 2007.
 */
#include "interp/orders.h"

#include <stdlib.h>

#include "interp/seen.h"

typedef struct OrderNode {
  uint32_t parent, preemptions, length; /* of its list */
  Turn turn;                            /* the last of it */
} OrderNode;

typedef struct Line {
  uint32_t *items;
  size_t head, n, room;
} Line;

struct Orders {
  OrderNode *all;
  size_t n, room;
  unsigned bound, level; /* what is taken now has so many preemptions */
  Line lines[PCT_DEPTH_MAX];
  Turn *list;
  size_t list_room;
  Seen seen; /* choices, by what had happened before */
};

static bool push(Line *line, uint32_t item) {
  if (line->n == line->room) {
    size_t room = 2 * line->room + 64;
    uint32_t *items = realloc(line->items, room * sizeof *items);
    if (items == NULL) return false;
    line->items = items;
    line->room = room;
  }
  line->items[line->n++] = item;
  return true;
}

static bool add(Orders *o, OrderNode order) {
  if (o->n == o->room) {
    size_t room = 2 * o->room + 64;
    OrderNode *all = realloc(o->all, room * sizeof *all);
    if (all == NULL || room > UINT32_MAX) return false;
    o->all = all;
    o->room = room;
  }
  o->all[o->n] = order;
  return push(&o->lines[order.preemptions], (uint32_t)o->n++);
}

Orders *orders_new(unsigned bound) {
  Orders *o = calloc(1, sizeof *o);
  if (o == NULL) return NULL;
  o->bound = bound;
  if (add(o, (OrderNode){0})) return o;
  orders_free(o);
  return NULL;
}

void orders_free(Orders *o) {
  if (o == NULL) return;
  for (size_t i = 0; i < sizeof o->lines / sizeof o->lines[0]; i++) free(o->lines[i].items);
  free(o->all);
  seen_free(&o->seen);
  free(o->list);
  free(o);
}

bool orders_done(const Orders *o) {
  for (unsigned i = 0; i <= o->bound; i++)
    if (o->lines[i].head < o->lines[i].n) return false;
  return true;
}

static bool fill_list(Orders *o, uint32_t order) {
  size_t n = o->all[order].length;
  if (n > o->list_room) {
    Turn *list = realloc(o->list, 2 * n * sizeof *list);
    if (list == NULL) return false;
    o->list = list;
    o->list_room = 2 * n;
  }
  for (; n > 0; order = o->all[order].parent) o->list[--n] = o->all[order].turn;
  return true;
}

bool orders_take(Orders *o, bool busy, uint32_t *order, const Turn **turns, uint64_t *n) {
  while (!busy && o->level < o->bound && o->lines[o->level].head == o->lines[o->level].n) o->level++;
  Line *line = &o->lines[o->level];
  if (line->head == line->n || !fill_list(o, line->items[line->head])) return false;
  *order = line->items[line->head++];
  *turns = o->list;
  *n = o->all[*order].length;
  return true;
}

/* The orders that go another way at point p. */
static bool branch(Orders *o, uint32_t order, const Point *p) {
  for (uint32_t to = 1; to < 64; to++) {
    if ((p->line >> to & 1) == 0 || to == p->to) continue;
    uint32_t preemptions = o->all[order].preemptions + (p->how == GIL_YIELDED && to != p->from);
    if (preemptions > o->bound) continue;
    OrderNode other = {.parent = order, .preemptions = preemptions, .length = o->all[order].length + 1,
                   .turn = {.steps = p->steps, .from = p->from, .to = to, .nth = p->nth, .how = (uint16_t)p->how}};
    if (!add(o, other)) return false;
  }
  return true;
}

/* A choice that another order had, too, when the same had happened: that one had no more preemptions, so what follows is run already. */
static bool is_known(Orders *o, const Point *p) {
  if (p->state == 0) return false;
  uint64_t key = p->state;
  const uint64_t of[] = {p->line, p->from, p->how};
  for (size_t i = 0; i < sizeof of / sizeof of[0]; i++) key = (key ^ of[i]) * UINT64_C(0x9e3779b97f4a7c15) ^ key >> 29;
  return !seen_add(&o->seen, key) && !o->seen.lost;
}

bool orders_add(Orders *o, uint32_t order, const Trial *t) {
  const GivenStrategy *x = &t->strategy.given;
  if (x->npoints > TRIAL_POINTS || x->wide) return false;
  for (uint64_t i = x->behind; i < x->npoints && !is_known(o, &t->points[i]); i++)
    if (!branch(o, order, &t->points[i])) return false;
  return true;
}
