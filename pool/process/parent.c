/* The parent's side of the zygote: asking for workers, births, deaths, time-outs, the end of the zygote itself. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pool/process/drain.h"
#include "pool/process/feed.h"
#include "pool/process/orders.h"
#include "pool/process/parent.h"
#include "pool/process/tasks.h"
#include "pool/process/wake.h"

enum {
  LOOKS = 8,     /* in the time that a task has */
  STILLBORN = 10 /* workers in a row that end before they begin anything: so they will go on */
};

/* A task was with a worker that is gone, and it had begun it. */
static void fail_begun(Engine *e, Task *t, int status, pid_t pid, bool protocol) {
  if (t->cancelling) {
    engine_decide(e, t, TASK_CANCELLED);
    return;
  }
  if (t->init) {
    t->failure = FAILURE_WORKER_DIED;
    t->status = status;
    t->pid = pid;
    engine_break(e, 0, t);
    return;
  }
  if (!e->broken.yes && !t->overdue && t->tries < e->options.retries) {
    t->tries++;
    t->alone = true;
    task_move(t, TASK_QUEUED);
    engine_enqueue(e, t, true);
    return;
  }
  t->failure = e->broken.yes ? FAILURE_BROKEN : t->overdue ? FAILURE_TIMEOUT : protocol ? FAILURE_PROTOCOL : FAILURE_WORKER_DIED;
  t->status = status;
  t->pid = pid;
  engine_decide(e, t, TASK_FAILED);
}

static void give_back(Engine *e, Task *t) {
  if (t->init) { /* the next worker gets its own */
    engine_decide(e, t, TASK_CANCELLED);
  } else if (e->broken.yes) {
    t->failure = FAILURE_BROKEN;
    engine_decide(e, t, TASK_FAILED);
  } else {
    task_move(t, TASK_QUEUED);
    engine_enqueue(e, t, true);
  }
}

/* Whether a worker that is gone has begun anything. */
static bool has_begun(const WorkerHandle *w) {
  if (w->results.own != 0 || w->results.broken) return true;
  for (unsigned i = 0; i < w->count; i++) {
    const Slot *slot = &w->shared->slots[(w->first + i) % SLOTS];
    unsigned state = atomic_load(&slot->word) & ((1u << SLOT_BITS) - 1);
    if (state != SLOT_QUEUED && state != SLOT_TAKEN) return true;
  }
  return false;
}

/* A worker that was not told to end was given tasks and began none: another is tried a little later, and some others. */
static void count_stillborn(Engine *e, const WorkerHandle *w, int status) {
  if (has_begun(w)) {
    e->stillborn = 0;
  } else if (w->state == WORKER_LIVE && w->given > 0 && !e->broken.yes) {
    e->refused_at = clock_ns();
    if (++e->stillborn < STILLBORN) return;
    e->broken.status = status;
    engine_break(e, 0, NULL);
  }
}

/* The worker's process is gone: what it wrote whole counts, what it had begun fails, the rest goes to others. */
static void bury_worker(Engine *e, WorkerHandle *w, int status) {
  if (!w->results.broken && ring_used(&w->results) > 0) {
    bool killed = w->state == WORKER_DYING;
    w->state = WORKER_LIVE; /* for what engine_drain_worker does to a dying one */
    while (engine_drain_worker(e, w)) continue;
    if (killed) w->state = WORKER_DYING;
  }
  if (atomic_exchange_explicit(&w->shared->counted, 0, memory_order_relaxed) != 0)
    atomic_fetch_sub_explicit(&e->shared->awake, 1, memory_order_relaxed);
  bool protocol = w->results.broken || w->tasks.broken;
  pid_t pid = w->pid;
  if (!e->options.single) count_stillborn(e, w, status);
  outgoing_free(&w->out);
  free(w->body);
  w->body = NULL;
  w->got = 0;
  w->state = WORKER_NONE;
  e->live--;
  for (unsigned i = w->count; i-- > 0;) { /* from the last: each goes to the front of the queue */
    unsigned slot = (w->first + i) % SLOTS;
    Task *t = w->sent[slot];
    if (t == NULL) continue;
    w->sent[slot] = NULL;
    if (!e->options.single && slot_state(&w->shared->slots[slot], t->id) == SLOT_QUEUED) give_back(e, t);
    else {
      t->place = worker_index(e, w);
      t->began_ns = atomic_load_explicit(&w->shared->slots[slot].began_ns, memory_order_relaxed);
      t->ended_ns = clock_ns();
      fail_begun(e, t, status, pid, protocol);
    }
  }
  w->count = 0;
}

static Task *new_init(Engine *e) {
  Task *t = calloc(1, sizeof *t);
  if (t == NULL) return NULL;
  t->engine = e;
  t->init = true;
  t->id = ++e->last_id;
  t->message = e->init;
  atomic_store(&t->refs, 1);
  atomic_fetch_add_explicit(&e->refs, 1, memory_order_relaxed);
  return t;
}

static void born(Engine *e, WorkerHandle *w, const ZygoteMessage *m) {
  e->births--;
  if (m->pid == 0) { /* the system refuses: go on with those that there are */
    w->state = WORKER_NONE;
    e->refused_at = clock_ns();
    if (e->live + e->births == 0) engine_break(e, m->status, NULL);
    return;
  }
  w->pid = m->pid;
  w->state = WORKER_LIVE;
  e->live++;
  if (e->signal != 0) engine_pass_signal(e, e->signal);
  engine_tell_ready(e);
  if (!e->has_init) return;
  Task *t = new_init(e);
  if (t == NULL) {
    engine_kill(e, w);
    return;
  }
  if (!engine_send(e, w, t)) engine_kill(e, w);
}

void engine_hear(Engine *e) {
  ZygoteMessage m;
  ssize_t n;
  while ((n = recv(e->zygote.socket, &m, sizeof m, MSG_DONTWAIT)) == sizeof m) {
    if (m.index >= e->options.max_workers) continue;
    WorkerHandle *w = &e->workers[m.index];
    if (m.generation != w->generation) continue;
    if (m.op == ZYGOTE_BORN && w->state == WORKER_BIRTH) born(e, w, &m);
    else if (m.op == ZYGOTE_DIED && w->state != WORKER_NONE) bury_worker(e, w, m.status);
  }
  if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) engine_lose(e);
}

/* Every worker is gone, or as good as. */
static void bury_all(Engine *e) {
  for (unsigned i = 0; i < e->used; i++) {
    WorkerHandle *w = &e->workers[i];
    if (w->state == WORKER_BIRTH) {
      w->state = WORKER_NONE;
      e->births--;
    } else if (w->state != WORKER_NONE) {
      bury_worker(e, w, SIGKILL);
    }
  }
}

void engine_lose(Engine *e) {
  if (e->zygote.socket < 0) return;
  close(e->zygote.socket);
  e->zygote.socket = -1;
  if (e->zygote.pid > 0) { /* its workers die with it */
    kill(e->zygote.pid, SIGKILL);
    while (waitpid(e->zygote.pid, NULL, 0) < 0 && errno == EINTR) continue;
  }
  e->zygote.pid = 0;
  bury_all(e);
  e->zygote.lost = e->state != ENGINE_ENDED;
  engine_wake_collector(e);
  engine_kick(e);
}

void engine_hang_up(Engine *e) {
  if (e->zygote.socket < 0) return;
  shutdown(e->zygote.socket, SHUT_RDWR); /* a copy of it that came along with somebody's fork does not matter */
  close(e->zygote.socket);
  e->zygote.socket = -1;
  bury_all(e);
}

int64_t engine_check_time(Engine *e, int64_t now) {
  int64_t next = CLOCK_NEVER, limit = e->options.task_timeout_ns;
  if (e->queue.first != NULL && e->refused_at != 0) next = e->refused_at + REFUSED_NS;
  for (unsigned i = 0; limit > 0 && i < e->used; i++) {
    WorkerHandle *w = &e->workers[i];
    if (w->state != WORKER_LIVE || w->count == 0) continue;
    Task *t = w->sent[w->first];
    Slot *slot = &w->shared->slots[w->first];
    if (t == NULL || t->init || slot_state(slot, t->id) != SLOT_BEGUN) {
      if (now + limit < next) next = now + limit;
      continue;
    }
    int64_t began = atomic_load_explicit(&slot->began_ns, memory_order_relaxed), end = began + limit;
    if (began < e->stop.at) end += e->stop.ns;
    if (end > now) {
      int64_t look = now + limit / LOOKS; /* so often that it shows if everything stood still meanwhile: note_stop */
      if (look > end) look = end;
      if (look < next) next = look;
    } else if (slot_move(slot, t->id, SLOT_BEGUN, SLOT_KILLED)) {
      t->overdue = true;
      engine_kill(e, w);
    }
  }
  return next;
}
