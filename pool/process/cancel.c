/* Cancelling tasks, and ending the engine. */
#include "pool/process/cancel.h"

#include "pool/process/feed.h"
#include "pool/process/orders.h"
#include "pool/process/tasks.h"
#include "pool/process/wake.h"

/* Who cancels knows it: the watcher is not told. */
static bool cancel(Engine *e, Task *t) {
  if (task_decided(t)) return atomic_load(&t->state) == TASK_CANCELLED;
  void *watcher = t->watcher;
  t->watcher = NULL;
  if (atomic_load(&t->state) == TASK_QUEUED) {
    engine_unqueue(e, t);
    engine_decide(e, t, TASK_CANCELLED);
    return true;
  }
  for (unsigned i = 0; i < e->used; i++) {
    WorkerHandle *w = &e->workers[i];
    for (unsigned k = 0; k < w->count; k++) {
      unsigned slot = (w->first + k) % SLOTS;
      if (w->sent[slot] != t) continue;
      Slot *s = &w->shared->slots[slot];
      if (slot_move(s, t->id, SLOT_QUEUED, SLOT_TAKEN)) {
        w->sent[slot] = NULL;
        engine_decide(e, t, TASK_CANCELLED);
        return true;
      }
      if (!slot_move(s, t->id, SLOT_BEGUN, SLOT_KILLED)) break; /* its result is on its way */
      t->cancelling = true;
      engine_kill(e, w);
      return true;
    }
  }
  t->watcher = watcher;
  return false;
}

bool engine_cancel(Task *t) {
  Engine *e = t->engine;
  pthread_mutex_lock(&e->m);
  e->activity++;
  bool cancelled = cancel(e, t);
  engine_feed(e);
  pthread_mutex_unlock(&e->m);
  return cancelled;
}

static void cancel_queued(Engine *e) {
  while (e->queue.first != NULL) {
    Task *t = e->queue.first;
    engine_unqueue(e, t);
    engine_decide(e, t, TASK_CANCELLED);
  }
  for (unsigned i = 0; i < e->used; i++) {
    WorkerHandle *w = &e->workers[i];
    for (unsigned k = 0; k < w->count; k++) {
      unsigned slot = (w->first + k) % SLOTS;
      Task *t = w->sent[slot];
      if (t == NULL || t->init || !slot_move(&w->shared->slots[slot], t->id, SLOT_QUEUED, SLOT_TAKEN)) continue;
      w->sent[slot] = NULL;
      engine_decide(e, t, TASK_CANCELLED);
    }
  }
}

void engine_cancel_queued(Engine *e) {
  pthread_mutex_lock(&e->m);
  cancel_queued(e);
  pthread_mutex_unlock(&e->m);
}

static void wake_for_end(Engine *e) {
  engine_tell_ready(e);
  engine_wake_collector(e);
  engine_kick(e);
}

void engine_close(Engine *e) {
  pthread_mutex_lock(&e->m);
  if (e->state == ENGINE_OPEN) e->state = ENGINE_CLOSING;
  e->activity++;
  wake_for_end(e);
  pthread_mutex_unlock(&e->m);
}

void engine_terminate(Engine *e) {
  pthread_mutex_lock(&e->m);
  cancel_queued(e);
  for (unsigned i = 0; i < e->used; i++) {
    WorkerHandle *w = &e->workers[i];
    for (unsigned k = 0; k < w->count; k++) {
      unsigned slot = (w->first + k) % SLOTS;
      Task *t = w->sent[slot];
      if (t == NULL) continue;
      w->sent[slot] = NULL;
      engine_decide(e, t, TASK_CANCELLED);
    }
    engine_kill(e, w);
  }
  if (e->state == ENGINE_OPEN) e->state = ENGINE_CLOSING;
  e->activity++;
  wake_for_end(e);
  pthread_mutex_unlock(&e->m);
}
