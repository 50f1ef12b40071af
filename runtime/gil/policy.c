/* The policies by name, and what they share: who is awake may pass who sleeps. */
#include <stddef.h>
#include <string.h>

#include "runtime/gil/internal.h"

enum { PATIENT_PARTS = 5, AWAKE_SCAN = 8 };

const Policy *policy_find(const char *name) {
  static const Policy *const all[] = {&policy_fair, &policy_interval, &policy_ticks};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
    if (strcmp(all[i]->name, name) == 0) return all[i];
  return NULL;
}

bool policy_may_pass(const Gil *g, const GilThread *next, uint64_t now) {
  return next->urgent_in != gil_peek(&g->turn_since) && now - next->ready_since <= g->interval / PATIENT_PARTS;
}

GilThread *policy_next(const Gil *g, uint64_t now) {
  GilThread *first = g->ready.head, *t = first;
  if (!policy_may_pass(g, first, now)) return first;
  for (int i = 0; i < AWAKE_SCAN && t != NULL; i++, t = t->next)
    if (atomic_load_explicit(&t->awake, memory_order_relaxed)) return t;
  return first;
}
