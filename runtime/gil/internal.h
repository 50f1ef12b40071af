/* What the files of this folder share and nobody else sees. Everything here is called with g->m held. */
#ifndef GILUA_RUNTIME_GIL_INTERNAL_H
#define GILUA_RUNTIME_GIL_INTERNAL_H

#include "runtime/gil/gil.h"

#define GIL_READY ((uintptr_t)1)  /* bit of Gil.word: somebody is queued or coming */
#define GIL_CLOSED ((uintptr_t)2) /* the word of a closed lock that nobody owns any more */

enum { GIL_SPIN_BEST = 4 }; /* GilThread.spin of a thread whose spinning always paid, and of a new one */

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

/* With m and GIL_READY set: the word becomes t's. */
static inline void gil_own(Gil *g, GilThread *t) {
  /* with a schedule always: every change of hands goes by m then */
  uintptr_t ready = g->queued > 0 || g->coming != NULL || g->schedule != NULL ? GIL_READY : 0;
  /* release: takers without mutex acquire from here when t drops it again */
  atomic_store_explicit(&g->word, (uintptr_t)t | ready, memory_order_release);
}

/* policy_may_pass: may one that is awake pass `next`, which is next but may be asleep? It goes on at once, where waking
 * the other may cost an idle core's wake-up. Nobody is passed who is urgent, or has waited for a fifth of an interval. */
bool policy_may_pass(const Gil *g, const GilThread *next, uint64_t now);

/* policy_next is the first in line, unless one close behind it is awake and may pass it. */
GilThread *policy_next(const Gil *g, uint64_t now);

/* gil_tell tells t one of WAKE_OWNER, WAKE_COME, WAKE_CLOSED. An exiting thread passes through m, so t lives now; later
 * only the address of its word counts: waking a stranger there does no harm. */
void gil_tell(GilThread *t, uint32_t bit, GilAfter *after);

/* gil_spin watches self's word for a while instead of sleeping, if that paid lately and leaves a processor free. Needs
 * nothing: called without m, and without the lock. */
void gil_spin(GilThread *self, int64_t deadline);

/* gil_look is gil_plan for the nudger: asks if it is time, and returns until when it may sleep, in ticks. *to becomes the
 * thread to signal; *unheard: it was signalled before, and its handler has not run since. */
uint64_t gil_look(Gil *g, uint64_t now, pid_t *to, bool *unheard);

/* gil_plan sees to it that the owner is asked when it is time: marks it now, or sets the nudger. Call it when somebody
 * was put in line; self is the calling thread, which is not signalled. */
void gil_plan(Gil *g, const GilThread *self, uint64_t now, GilAfter *after);

/* gil_reacted notes that the owner left the lock or reached a safe point: the next ask need not back off. */
void gil_reacted(Gil *g);

/* gil_unlock unlocks g->m and does what is left. */
void gil_unlock(Gil *g, GilAfter after);

#endif
