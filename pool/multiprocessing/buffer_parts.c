/* Ranges, sorted and merged. */
#include "pool/multiprocessing/buffer_parts.h"

#include <stdlib.h>

size_t parts_size(size_t capacity) { return sizeof(Parts) + capacity * sizeof(Part); }

void parts_add(Parts *p, Part part) {
  bool first = p->count == 0;
  p->overlap = p->overlap || (!first && part.first < p->end && p->first < part.end);
  if (first || part.first < p->first) p->first = part.first;
  if (first || part.end > p->end) p->end = part.end;
  p->list[p->count++] = part;
}

/* The longest of those that begin together stands first, and among equal ones the first that came. */
static int compare(const void *a, const void *b) {
  const Part *x = a, *y = b;
  if (x->first != y->first) return x->first < y->first ? -1 : 1;
  if (x->end != y->end) return x->end > y->end ? -1 : 1;
  return x->object < y->object ? -1 : 1;
}

void parts_merge(Parts *p) {
  size_t n = 0;
  qsort(p->list, p->count, sizeof(Part), compare);
  for (size_t i = 0; i < p->count; i++) {
    Part *last = n == 0 ? NULL : &p->list[n - 1], part = p->list[i];
    if (last == NULL || part.first >= last->end) {
      p->list[n++] = part;
      continue;
    }
    last->shared = true;
    if (part.end <= last->end) continue;
    last->end = part.end;
    last->object = 0;
  }
  p->count = n;
  p->merged = true;
}

Part *parts_find( Parts *p, size_t first, size_t end) {
  size_t low = 0, high = p->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (p->list[middle].first <= first) low = middle + 1;
    else high = middle;
  }
  return low > 0 && end <= p->list[low - 1].end ? &p->list[low - 1] : NULL;
}
