/* References to tasks and to the engine, the queue, and what becomes of tasks. */
#include "pool/process/tasks.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pool/process/result_files.h"
#include "pool/process/wake.h"
#include "runtime/state/at_fork.h"

bool engine_foreign(const Engine *e) { return e->forks != at_fork_count(); }

static void give_back(Engine *e) {
  if (e->event >= 0) close(e->event);
  if (e->memory >= 0) close(e->memory);
  if (e->shared != NULL) munmap(e->shared, shared_size(e->options.max_workers));
  e->event = e->memory = -1;
  e->shared = NULL;
  e->used = 0; /* no worker is looked at any more */
}

void engine_give_back(Engine *e) {
  if (engine_over(e) && e->waits.inside == 0) give_back(e);
}

static void free_engine(Engine *e) {
  if (e->zygote.socket >= 0) close(e->zygote.socket);
  give_back(e);
  free(e->workers);
  free(e->seen);
  free(e->shown.counts);
  free(e->shown.tracks);
  pthread_mutex_destroy(&e->m);
  free(e);
}

void engine_drop(Engine *e) {
  if (atomic_fetch_sub_explicit(&e->refs, 1, memory_order_acq_rel) == 1) free_engine(e);
}

void engine_enqueue(Engine *e, Task *t, bool front) {
  t->next = front ? e->queue.first : NULL;
  t->prev = front ? NULL : e->queue.last;
  if (t->next != NULL) t->next->prev = t;
  if (t->prev != NULL) t->prev->next = t;
  if (t->next == NULL) e->queue.last = t;
  if (t->prev == NULL) e->queue.first = t;
  if (++e->queue.n > e->queue.most) e->queue.most = e->queue.n;
}

void engine_unqueue(Engine *e, Task *t) {
  if (t->next != NULL) t->next->prev = t->prev;
  else e->queue.last = t->prev;
  if (t->prev != NULL) t->prev->next = t->next;
  else e->queue.first = t->next;
  t->next = t->prev = NULL;
  e->queue.n--;
}

void engine_unref(Task *t) {
  Engine *e = t->engine;
  if (atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1) return;
  t->next = e->graveyard;
  e->graveyard = t;
}

void engine_drop_task(Task *t) {
  Engine *e = t->engine;
  pthread_mutex_lock(&e->m);
  t->watcher = NULL;
  engine_unref(t);
  pthread_mutex_unlock(&e->m);
}

void engine_decide(Engine *e, Task *t, TaskState state) {
  task_move(t, state);
  for (TaskWait *w = t->waiters; w != NULL; w = w->same) engine_tell(e, w);
  if (t->watcher != NULL) e->decided(t);
  if (!t->init) e->pending--;
  if (e->waits.conditions > 0) engine_tell_ready(e);
  engine_unref(t);
}

void engine_bury(lua_State *L, Engine *e) {
  pthread_mutex_lock(&e->m);
  Task *list = e->graveyard;
  e->graveyard = NULL;
  pthread_mutex_unlock(&e->m);
  for (Task *t = list, *next; t != NULL; t = next) {
    next = t->next;
    bool init = t->init;
    if (!init) pickle_message_free(L, &t->message);
    free(t->bytes);
    result_files_close(t->files, t->result.extra);
    free(t);
    if (init) engine_drop(e);
    else engine_leave(L, e);
  }
}

void engine_leave(lua_State *L, Engine *e) {
  if (--e->users == 0) {
    if (e->broken.cause != NULL) engine_drop_task(e->broken.cause);
    e->broken.cause = NULL;
    engine_bury(L, e);
    pickle_link_free(L, e->link);
    pickle_message_free(L, &e->init);
  }
  engine_drop(e);
}
