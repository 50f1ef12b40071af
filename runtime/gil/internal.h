/* What the files of this folder share and nobody else sees. Everything here is called with g->m held. */
#ifndef GILUA_RUNTIME_GIL_INTERNAL_H
#define GILUA_RUNTIME_GIL_INTERNAL_H

#include "runtime/gil/gil.h"

#define GIL_READY ((uintptr_t)1) /* bit of Gil.word: somebody is queued or coming */

static inline GilThread *gil_owner(uintptr_t word) { return (GilThread *)(word & ~GIL_READY); }

/* relaxed everywhere: read without the lock only as a hint of how long somebody has held it */
static inline uint64_t gil_peek(const _Atomic uint64_t *field) {
  return atomic_load_explicit(field, memory_order_relaxed);
}
static inline void gil_note(_Atomic uint64_t *field, uint64_t value) {
  atomic_store_explicit(field, value, memory_order_relaxed);
}

/* Puts t behind `before`, or first if that is NULL. */
static inline void gil_queue_insert(GilQueue *q, GilThread *before, GilThread *t) {
  t->prev = before;
  t->next = before != NULL ? before->next : q->head;
  if (t->next != NULL) t->next->prev = t;
  else q->tail = t;
  if (before != NULL) before->next = t;
  else q->head = t;
}

static inline void gil_queue_remove(GilQueue *q, GilThread *t) {
  if (t->next != NULL) t->next->prev = t->prev;
  else q->tail = t->prev;
  if (t->prev != NULL) t->prev->next = t->next;
  else q->head = t->next;
  t->next = t->prev = NULL;
}

/* Signals of the host are looked for so often in a sleep that they may end: one that comes just before a sleep does not
 * disturb it. */
enum { GIL_STIR_NS = 50000000 };

/* gil_stir looks now, and returns until when self may sleep. */
static inline int64_t gil_stir(GilThread *self, int64_t deadline) {
  if (self->stirred == NULL) return deadline;
  self->stirred(self);
  int64_t next = clock_ns() + GIL_STIR_NS;
  return next < deadline ? next : deadline;
}

/* What is left to do once g->m is free again: system calls. */
typedef struct GilAfter {
  _Atomic uint32_t *wake; /* the word of a thread that was told something in its sleep, or NULL */
  pid_t ask;              /* the thread to signal, or 0 */
  bool nudge;             /* the nudger must look */
} GilAfter;

/* gil_plan sees to it that the owner is asked when it is time: marks it now, or sets the nudger. Call it when somebody
 * was put in line; self is the calling thread, which is not signalled. */
void gil_plan(Gil *g, const GilThread *self, uint64_t now, GilAfter *after);

/* gil_reacted notes that the owner left the lock or reached a safe point: the next ask need not back off. */
void gil_reacted(Gil *g);

/* gil_unlock unlocks g->m and does what is left. */
void gil_unlock(Gil *g, GilAfter after);

#endif
