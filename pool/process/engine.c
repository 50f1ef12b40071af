/* Making, using and ending an engine. */
#include "pool/process/engine.h"

#include <errno.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pool/process/collector.h"
#include "pool/process/drain.h"
#include "pool/process/feed.h"
#include "pool/process/fork.h"
#include "pool/process/orders.h"
#include "pool/process/parent.h"
#include "pool/process/tasks.h"
#include "pool/process/wake.h"
#include "runtime/os/memory.h"
#include "runtime/os/os.h"
#include "runtime/state/error.h"
#include "runtime/state/finalizer.h"
#include "runtime/state/at_fork.h"

static int allocate(Engine *e) {
  unsigned n = e->options.max_workers;
  e->workers = calloc(n, sizeof *e->workers);
  e->seen = calloc(n, sizeof *e->seen);
  e->shown.counts = calloc(n, sizeof *e->shown.counts);
  e->shown.tracks = calloc(n, sizeof *e->shown.tracks);
  if (e->workers == NULL || e->seen == NULL || e->shown.counts == NULL || e->shown.tracks == NULL) return ENOMEM;
  if (e->options.spawn) {
    e->memory = os_memory_file("gilua.pool", shared_size(n));
    if (e->memory < 0) return errno;
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

static const char *reason_of(const Engine *e, int err) {
  if (err == ENOENT && e->options.spawn) return "there is no program 'gilua' to be its workers (GILUA_PROGRAM)";
  if (err == ETIMEDOUT) return "the child that was forked hangs in the C library";
  if (err == EPROTO) return "the program that is to be its workers is no gilua, or another version of it (GILUA_PROGRAM)";
  return strerror(err);
}

Engine *engine_new(lua_State *L, Tstate *ts, const EngineOptions *options, PickleLink *link, PickleMessage *init,
                   void (*decided)(Task *t)) {
  if (waits_forbidden(ts)) error_raise_state(L, "finalizer", "a process pool cannot be made in a finalizer");
  Engine *e = calloc(1, sizeof *e);
  if (e == NULL) {
    pickle_message_free(L, init);
    luaL_error(L, "not enough memory");
  }
  e->options = *options;
  e->rt = ts->rt;
  e->spare = ts->rt->spare;
  e->forks = at_fork_count();
  e->link = link;
  e->decided = decided;
  e->zygote.socket = e->event = e->memory = -1;
  e->users = 1;
  atomic_store(&e->refs, 1);
  pthread_mutex_init(&e->m, NULL);
  int err = allocate(e);
  if (err == 0) err = zygote_fork(L, ts, e);
  if (err == 0) err = engine_start_collector(e);
  if (err != 0) {
    const char *reason = reason_of(e, err);
    engine_lose(e);
    engine_drop(e);
    pickle_message_free(L, init);
    error_raise(L, ERROR_BROKEN_POOL, "cannot start a process%s: %s", options->single ? "" : " pool", reason);
  }
  e->init = *init;
  e->has_init = init->size > 0;
  *init = (PickleMessage){0};
  return e;
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
  e->shown.submitted++;
  e->activity++;
  e->pending++;
  if (e->broken.yes || e->state == ENGINE_ENDED) {
    t->failure = FAILURE_BROKEN;
    engine_decide(e, t, TASK_FAILED);
  } else {
    engine_enqueue(e, t, false);
    if (e->activity % 8 == 0) engine_drain(e);
    engine_feed(e);
  }
  if (e->collector.sleeps) engine_wake_collector(e);
  bool bury = e->graveyard != NULL;
  pthread_mutex_unlock(&e->m);
  if (bury) engine_bury(L, e);
  return t;
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
  int64_t busy = e->shown.counts[place].busy_ns;
  if (w->state != WORKER_LIVE || w->count == 0 || w->sent[w->first] == NULL) return busy;
  const Slot *slot = &w->shared->slots[w->first];
  if (slot_state(slot, w->sent[w->first]->id) != SLOT_BEGUN) return busy;
  int64_t began = atomic_load_explicit(&slot->began_ns, memory_order_relaxed);
  return began > 0 && began < now ? busy + now - began : busy;
}

bool engine_broken(Engine *e) {
  pthread_mutex_lock(&e->m);
  bool broken = e->broken.yes; /* and all that says why, for who reads it now without m: it does not change any more */
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
