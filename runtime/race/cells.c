/* Cells: for each place a list of the accesses that are not behind a later one of at least the same weight. */
#include "runtime/race/cells.h"

#include <stdlib.h>

struct Cell {
  Place place; /* base NULL: free */
  uint32_t first; /* index + 1 in Cells.noted; 0: none */
};

struct Noted {
  Access access;
  uint32_t next; /* as Cell.first */
};

static bool is_same(const Place *a, const Place *b) { return a->base == b->base && a->key == b->key && a->kind == b->kind; }

static Cell *slot_of(const Cells *cells, const Place *p) {
  uint64_t i = ((uint64_t)(uintptr_t)p->base ^ p->key * 0xff51afd7ed558ccd ^ p->kind) * 0x9e3779b97f4a7c15;
  for (i >>= 20;; i++) {
    Cell *slot = &cells->slots[i & (cells->room - 1)];
    if (slot->place.base == NULL || is_same(&slot->place, p)) return slot;
  }
}

static bool grow(Cells *cells) {
  Cells more = {.room = cells->room == 0 ? 256 : 2 * cells->room};
  more.slots = calloc(more.room, sizeof *more.slots);
  if (more.slots == NULL) return false;
  for (uint64_t i = 0; i < cells->room; i++)
    if (cells->slots[i].place.base != NULL) *slot_of(&more, &cells->slots[i].place) = cells->slots[i];
  free(cells->slots);
  cells->slots = more.slots;
  cells->room = more.room;
  return true;
}

static bool add(Cells *cells, Cell *cell, const Access *access) {
  uint32_t at = cells->vacant;
  if (at != 0) {
    cells->vacant = cells->noted[at - 1].next;
  } else {
    if (cells->nnoted == cells->noted_room) {
      uint32_t room = cells->noted_room == 0 ? 256 : 2 * cells->noted_room;
      Noted *noted = realloc(cells->noted, room * sizeof *noted);
      if (noted == NULL) return false;
      cells->noted = noted;
      cells->noted_room = room;
    }
    at = ++cells->nnoted;
  }
  cells->noted[at - 1] = (Noted){.access = *access, .next = cell->first};
  cell->first = at;
  return true;
}

/* Whatever races with `old` later races with `now`, too. */
static bool covers(const Access *now, const Access *old) { return now->how == WRITES || now->how == old->how; }

static bool conflicts(const Access *a, const Access *b) { return a->how == WRITES || a->how != b->how; }

bool cells_note(Cells *cells, const Clocks *clocks, const Place *place, const Access *access,
                void (*tell)(void *data, const Access *before, const Access *now, const Place *place), void *data) {
  if (2 * cells->n >= cells->room && !grow(cells)) return false;
  Cell *cell = slot_of(cells, place);
  if (cell->place.base == NULL) {
    cell->place = *place;
    cells->n++;
  }
  for (uint32_t *link = &cell->first; *link != 0;) {
    Noted *old = &cells->noted[*link - 1];
    bool before = clocks_before(clocks, old->access.thread, old->access.moment, access->thread);
    if (!before && conflicts(&old->access, access)) tell(data, &old->access, access, place);
    if (!before || !covers(access, &old->access)) {
      link = &old->next;
      continue;
    }
    uint32_t at = *link;
    *link = old->next;
    old->next = cells->vacant;
    cells->vacant = at;
  }
  return add(cells, cell, access);
}
