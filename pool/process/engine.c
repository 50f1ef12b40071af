/* Making, using and ending an engine. */
#include "pool/process/engine.h"

#include <assert.h>
#include <errno.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pool/process/internal.h"
#include "pool/process/result_files.h"
#include "runtime/os/descriptors.h"
#include "runtime/os/futex.h"
#include "runtime/os/os.h"
#include "runtime/thread/error.h"


bool engine_foreign(const Engine *e) { return e->process != getpid(); }

static void free_engine(Engine *e) {
  if (e->socket >= 0) close(e->socket);
  if (e->event >= 0) close(e->event);
  if (e->memory >= 0) close(e->memory);
  if (e->shared != NULL) munmap(e->shared, shared_size(e->options.max_workers));
  free(e->workers);
  free(e->seen);
  free(e->counts);
  free(e->tracks);
  pthread_mutex_destroy(&e->m);
  free(e);
}

void engine_drop(Engine *e) {
  if (atomic_fetch_sub_explicit(&e->refs, 1, memory_order_acq_rel) == 1) free_engine(e);
}

void engine_leave(lua_State *L, Engine *e) {
  if (--e->users == 0) {
    if (e->cause != NULL) engine_drop_task(e->cause);
    e->cause = NULL;
    engine_bury(L, e);
    pickle_link_free(L, e->link);
    pickle_message_free(L, &e->init);
  }
  engine_drop(e);
}

static int allocate(Engine *e) {
  unsigned n = e->options.max_workers;
  e->workers = calloc(n, sizeof *e->workers);
  e->seen = calloc(n, sizeof *e->seen);
  e->counts = calloc(n, sizeof *e->counts);
  e->tracks = calloc(n, sizeof *e->tracks);
  if (e->workers == NULL || e->seen == NULL || e->counts == NULL || e->tracks == NULL) return ENOMEM;
  if (e->options.spawn) {
    e->memory = os_above_standard(memfd_create("gilua.pool", MFD_CLOEXEC));
    if (e->memory < 0 || ftruncate(e->memory, (off_t)shared_size(n)) != 0) return errno;
  }
  int flags = MAP_SHARED | MAP_NORESERVE | (e->memory < 0 ? MAP_ANONYMOUS : 0);
  void *p = mmap(NULL, shared_size(n), PROT_READ | PROT_WRITE, flags, e->memory, 0);
  if (p == MAP_FAILED) return errno;
  e->shared = p;
  for (unsigned i = 0; i < n; i++) {
    e->workers[i].shared = &e->shared->workers[i];
    e->workers[i].out.segments = e->workers[i].out.inlined;
  }
  e->event = os_event_new();
  return e->event < 0 ? errno : 0;
}

Engine *engine_new(lua_State *L, Tstate *ts, const EngineOptions *options, PickleLink *link, PickleMessage *init,
                   void (*decided)(Task *t)) {
  if (lua_gc(L, LUA_GCISRUNNING) < 0) error_raise_state(L, "finalizer", "a process pool cannot be made in a finalizer");
  Engine *e = calloc(1, sizeof *e);
  if (e == NULL) {
    pickle_message_free(L, init);
    luaL_error(L, "not enough memory");
  }
  e->options = *options;
  e->rt = ts->rt;
  e->spare = ts->rt->spare;
  e->process = getpid();
  e->link = link;
  e->decided = decided;
  e->socket = e->event = e->memory = -1;
  e->users = 1;
  atomic_store(&e->refs, 1);
  pthread_mutex_init(&e->m, NULL);
  int err = allocate(e);
  if (err == 0) err = zygote_fork(L, ts, e);
  if (err == 0) err = engine_start_collector(e);
  if (err != 0) {
    engine_lose(e);
    engine_drop(e);
    pickle_message_free(L, init);
    error_raise(L, ERROR_BROKEN_POOL, "cannot start a process pool: %s",
                err == ETIMEDOUT ? "the child that was forked hangs in the C library" : strerror(err));
  }
  e->init = *init;
  e->has_init = init->size > 0;
  *init = (PickleMessage){0};
  return e;
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

Task *engine_submit(lua_State *L, Engine *e, PickleMessage *message) {
  Task *t = calloc(1, sizeof *t);
  if (t == NULL) return NULL;
  t->engine = e;
  t->message = *message;
  *message = (PickleMessage){0};
  atomic_store_explicit(&t->refs, 2, memory_order_relaxed);
  atomic_fetch_add_explicit(&e->refs, 1, memory_order_relaxed);
  e->users++;
  pthread_mutex_lock(&e->m);
  t->id = ++e->last_id;
  e->submitted++;
  e->activity++;
  e->pending++;
  if (e->broken || e->state == ENGINE_ENDED) {
    t->failure = FAILURE_BROKEN;
    engine_decide(e, t, TASK_FAILED);
  } else {
    engine_enqueue(e, t, false);
    if (e->activity % 8 == 0) engine_drain(e);
    engine_feed(e);
  }
  if (e->collector_sleeps) engine_wake_collector(e);
  bool bury = e->graveyard != NULL;
  pthread_mutex_unlock(&e->m);
  if (bury) engine_bury(L, e);
  return t;
}

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

bool engine_running(Task *t) {
  Engine *e = t->engine;
  bool running = false;
  pthread_mutex_lock(&e->m);
  for (unsigned i = 0; i < e->used && !running; i++) {
    const WorkerHandle *w = &e->workers[i];
    for (unsigned k = 0; k < w->count; k++) {
      unsigned slot = (w->first + k) % SLOTS;
      if (w->sent[slot] == t) running = slot_state(&w->shared->slots[slot], t->id) != SLOT_QUEUED;
    }
  }
  pthread_mutex_unlock(&e->m);
  return running;
}

void engine_watch(Task *t, void *watcher) {
  Engine *e = t->engine;
  pthread_mutex_lock(&e->m);
  t->watcher = watcher;
  if (task_decided(t)) e->decided(t);
  pthread_mutex_unlock(&e->m);
}

int64_t engine_busy_ns(const Engine *e, unsigned place, int64_t now) {
  const WorkerHandle *w = &e->workers[place];
  int64_t busy = e->counts[place].busy_ns;
  if (w->state != WORKER_LIVE || w->count == 0 || w->sent[w->first] == NULL) return busy;
  const Slot *slot = &w->shared->slots[w->first];
  if (slot_state(slot, w->sent[w->first]->id) != SLOT_BEGUN) return busy;
  int64_t began = atomic_load_explicit(&slot->began_ns, memory_order_relaxed);
  return began > 0 && began < now ? busy + now - began : busy;
}

bool engine_broken(Engine *e) {
  pthread_mutex_lock(&e->m);
  bool broken = e->broken; /* and all that says why, for who reads it now without m: it does not change any more */
  pthread_mutex_unlock(&e->m);
  return broken;
}

bool engine_ended(Engine *e) {
  pthread_mutex_lock(&e->m);
  bool ended = engine_over(e);
  pthread_mutex_unlock(&e->m);
  return ended;
}

pid_t engine_pid(Engine *e) {
  pthread_mutex_lock(&e->m);
  pid_t pid = e->workers[0].pid;
  pthread_mutex_unlock(&e->m);
  return pid;
}

void engine_signal(Engine *e, int sig) {
  pthread_mutex_lock(&e->m);
  if (e->workers[0].pid == 0) e->signal = sig;
  else engine_pass_signal(e, sig);
  pthread_mutex_unlock(&e->m);
}

static void cancel_queued(Engine *e) {
  while (e->queue != NULL) {
    Task *t = e->queue;
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
