/* Waiting: the leader drains the rings, followers sleep until their task is decided or they are to lead, the collector
 * stands in while nobody waits.
 *
 * Roles of a waiting thread     FOLLOWER -> LEADER     Engine.leader is NULL when it looks
 *                               LEADER -> (gone)       it is ready; the first other one in Engine.waits is told to look
 *
 * The leader looks again whenever it had given up m: others decide tasks, too (a cancel, a submit that reads results), and
 * the collector hears of workers. Nobody goes to sleep without a round of engine_work under the same hold of m.
 *
 * Sleeping. The leader sets parent_asleep, looks at every ring once more, and polls: eventfd, zygote. A worker that has
 * written exchanges parent_asleep for 0 and then writes the eventfd. Who only wants the leader to look again writes the
 * eventfd. The collector polls alike when it saw no activity for a tick, and steps back as soon as there is a leader. Only one
 * thread is in poll, as who reads the eventfd takes the word from the other: a leader that finds the collector there has it leave,
 * and sleeps on its own futex until that has left.
 */
#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pool/process/cancel.h"
#include "pool/process/drain.h"
#include "pool/process/feed.h"
#include "pool/process/parent.h"
#include "pool/process/tasks.h"
#include "pool/process/wait.h"
#include "pool/process/wake.h"
#include "runtime/os/futex.h"
#include "runtime/os/os.h"
#include "runtime/os/poll.h"
#include "runtime/sync/blocking.h"
#include "runtime/state/finalizer.h"
#include "runtime/state/request.h"

enum {
  SPIN_NS = 20000,
  STILL_NS = 500000000 /* a poll that returns so much later than asked: the program stood still */
};

static bool anything_to_read(Engine *e) {
  for (unsigned i = 0; i < e->used; i++) {
    WorkerHandle *w = &e->workers[i];
    if (w->state != WORKER_LIVE || w->results.broken) continue;
    if (atomic_load(&w->results.ring->tail) != w->results.own) return true;
    if (w->out.task != NULL && atomic_load(&w->tasks.ring->head) + RING_SIZE != w->tasks.own) return true;
    if (engine_taken_is_through(w)) return true;
  }
  return false;
}

static bool anything_new(const Engine *e, unsigned workers) {
  for (unsigned i = 0; i < workers; i++) {
    const WorkerShared *s = &e->shared->workers[i];
    if (atomic_load_explicit(&s->results.tail, memory_order_relaxed) != e->seen[i].tail) return true;
    if (e->seen[i].sends && atomic_load_explicit(&s->tasks.head, memory_order_relaxed) != e->seen[i].head) return true;
  }
  return false;
}

/* Watches the rings for a moment, as nothing wakes a sleeper so soon. With m, which it gives up meanwhile. */
static bool spin(Engine *e) {
  if (atomic_load_explicit(&e->shared->awake, memory_order_relaxed) >= e->options.cpus) return false;
  unsigned workers = e->used;
  for (unsigned i = 0; i < workers; i++) {
    const WorkerHandle *w = &e->workers[i];
    bool reads = w->state == WORKER_LIVE && !w->results.broken;
    e->seen[i] = (Seen){.tail = reads ? w->results.own : atomic_load(&w->shared->results.tail),
                        .head = w->tasks.own - RING_SIZE, /* that of a full ring */
                        .sends = w->state == WORKER_LIVE && w->out.task != NULL && !w->tasks.broken};
  }
  pthread_mutex_unlock(&e->m);
  bool any = false;
  for (int64_t until = clock_ns() + SPIN_NS; !any && clock_ns() < until;) {
    for (int i = 0; i < 20; i++) os_pause();
    any = anything_new(e, workers);
  }
  pthread_mutex_lock(&e->m);
  return any;
}

static void note_stop(Engine *e, int64_t asked, int64_t now) {
  if (asked == CLOCK_NEVER || now < asked + STILL_NS) return;
  e->stop.ns = now - asked;
  e->stop.at = now;
}

void engine_sleep(Engine *e, int64_t until) {
  struct pollfd fds[] = {{.fd = e->event, .events = POLLIN}, {.fd = e->zygote.socket, .events = POLLIN}};
  e->waits.polled = true;
  atomic_store(&e->shared->parent_asleep, 1);
  bool ready = anything_to_read(e);
  pthread_mutex_unlock(&e->m);
  int n = ready ? 0 : os_poll(fds, 2, until);
  uint64_t count;
  if (n > 0 && fds[0].revents != 0 && read(e->event, &count, sizeof count) < 0) errno = 0;
  pthread_mutex_lock(&e->m);
  e->waits.polled = false;
  atomic_store(&e->shared->parent_asleep, 0);
  if (e->waits.leader != NULL && e->waits.leader->sleeps) engine_wake_follower(e->waits.leader); /* until this one has left */
  if (!ready) note_stop(e, until, clock_ns()); /* also when something woke it as it went on */
  if (n > 0 && fds[1].revents != 0 && e->zygote.socket == fds[1].fd) {
    engine_hear(e);
    engine_feed(e); /* who hears of a worker may not be the one who goes on */
  }
}

bool engine_work(Engine *e) {
  bool any = engine_drain(e);
  engine_feed(e);
  return any;
}

static void follow(Engine *e, TaskWait *w, int64_t until) {
  atomic_store(&w->word, 0);
  if (atomic_load(&w->stop)) return;
  w->sleeps = true;
  pthread_mutex_unlock(&e->m);
  futex_wait(&w->word, 0, until);
  pthread_mutex_lock(&e->m);
  w->sleeps = false;
}

static void sleep_leading(Engine *e, TaskWait *w, int64_t until) {
  if (e->waits.polled) {
    follow(e, w, until);
    return;
  }
  w->polls = true;
  engine_sleep(e, until);
  w->polls = false;
}

static void lead(Engine *e, TaskWait *w) {
  bool may_spin = true;
  e->waits.leader = w;
  if (e->waits.polled) engine_kick(e);
  while (!w->ready(e, w) && !atomic_load(&w->stop)) {
    if (engine_work(e)) {
      may_spin = true;
      continue;
    }
    int64_t now = clock_ns(), next = engine_check_time(e, now);
    if (now >= w->deadline) break;
    if (may_spin) {
      may_spin = spin(e);
      continue;
    }
    sleep_leading(e, w, next < w->deadline ? next : w->deadline);
  }
  e->waits.leader = NULL;
}

static void list(Engine *e, TaskWait *w) {
  w->next = e->waits.first;
  w->prev = NULL; /* it may have been listed before */
  if (w->next != NULL) w->next->prev = w;
  e->waits.first = w;
  if (w->task == NULL) {
    e->waits.conditions++;
    return;
  }
  w->same = w->task->waiters;
  w->task->waiters = w;
}

static void unlist(Engine *e, TaskWait *w) {
  if (w->next != NULL) w->next->prev = w->prev;
  if (w->prev != NULL) w->prev->next = w->next;
  else e->waits.first = w->next;
  if (w->task == NULL) {
    e->waits.conditions--;
    return;
  }
  TaskWait **p = &w->task->waiters;
  while (*p != w) p = &(*p)->same;
  *p = w->same;
}

static bool has_ended(Engine *e, TaskWait *w) {
  (void)w;
  return engine_over(e);
}

typedef struct Waiting {
  Engine *e;
  TaskWait w;
  bool inside; /* counted in Engine.waits.inside */
} Waiting;

/* Whether it need not wait (any more); else the engine keeps what waiting takes until `leave`. */
static bool look(Waiting *waiting) {
  Engine *e = waiting->e;
  pthread_mutex_lock(&e->m);
  bool is_ready = waiting->w.ready(e, &waiting->w);
  if (!is_ready && !waiting->inside) {
    e->waits.inside++;
    waiting->inside = true;
  }
  pthread_mutex_unlock(&e->m);
  return is_ready;
}

static void leave(Waiting *waiting) {
  Engine *e = waiting->e;
  if (!waiting->inside) return;
  pthread_mutex_lock(&e->m);
  e->waits.inside--;
  engine_give_back(e);
  pthread_mutex_unlock(&e->m);
}

static void wait_without_lock(void *arg) {
  Waiting *waiting = arg;
  Engine *e = waiting->e;
  TaskWait *w = &waiting->w;
  pthread_mutex_lock(&e->m);
  e->activity++;
  list(e, w);
  while (!w->ready(e, w) && !atomic_load(&w->stop) && clock_ns() < w->deadline) {
    if (e->waits.leader == NULL) lead(e, w);
    else follow(e, w, w->deadline);
  }
  unlist(e, w);
  if (e->waits.leader == NULL && e->waits.first != NULL) engine_tell(e, e->waits.first);
  pthread_mutex_unlock(&e->m);
}

void engine_stop(Engine *e) {
  Waiting waiting = {.e = e, .w = {.ready = has_ended, .deadline = CLOCK_NEVER}};
  engine_terminate(e);
  if (!look(&waiting)) wait_without_lock(&waiting);
  leave(&waiting);
}

/* Whoever is told to stop is inside, so what wakes it is there. */
static void stop_waiting(void *arg) {
  Waiting *waiting = arg;
  atomic_store(&waiting->w.stop, true);
  engine_wake_follower(&waiting->w); /* without m: it may be the leader, or become it */
  engine_kick(waiting->e);
}

static ParkResult wait_here(Tstate *ts, Waiting *waiting) {
  while (!look(waiting)) {
    if (waiting->w.deadline <= clock_ns()) return PARK_TIMEOUT;
    if (waits_forbidden(ts)) return PARK_FORBIDDEN;
    atomic_store(&waiting->w.stop, false);
    blocking_wait_call(ts, "task", wait_without_lock, waiting, stop_waiting, waiting);
    if (!request_serve(ts)) /* a request came, other than a hook that returns */
      return look(waiting) ? PARK_GRANTED : PARK_REQUESTED;
  }
  return PARK_GRANTED;
}

static ParkResult engine_wait(Tstate *ts, Engine *e, Task *t, bool (*ready)(Engine *, TaskWait *), int64_t deadline) {
  Waiting waiting = {.e = e, .w = {.task = t, .ready = ready, .deadline = park_real(ts, deadline)}};
  atomic_fetch_add_explicit(&e->refs, 1, memory_order_relaxed); /* who else knows that it is over may let go of it */
  ParkResult result = wait_here(ts, &waiting);
  leave(&waiting);
  engine_drop(e);
  return result;
}

static bool task_ready(Engine *e, TaskWait *w) {
  (void)e;
  return task_decided(w->task);
}

static bool has_room(Engine *e, TaskWait *w) {
  (void)w;
  return e->pending < e->options.max_pending || e->state != ENGINE_OPEN;
}

static bool is_born(Engine *e, TaskWait *w) {
  (void)w;
  return e->workers[0].pid != 0 || e->pending == 0;
}

ParkResult engine_wait_task(Tstate *ts, Task *t, int64_t deadline) {
  Engine *e = t->engine;
  if (task_decided(t)) return PARK_GRANTED;
  atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed); /* another thread may settle it, and let go of it */
  ParkResult result = engine_wait(ts, e, t, task_ready, deadline);
  pthread_mutex_lock(&e->m);
  engine_unref(t);
  pthread_mutex_unlock(&e->m);
  return result;
}

ParkResult engine_wait_room(Tstate *ts, Engine *e, int64_t deadline) {
  return e->options.max_pending == 0 ? PARK_GRANTED : engine_wait(ts, e, NULL, has_room, deadline);
}

ParkResult engine_wait_born(Tstate *ts, Engine *e, int64_t deadline) {
  return engine_wait(ts, e, NULL, is_born, deadline);
}

ParkResult engine_wait_ended(Tstate *ts, Engine *e, int64_t deadline) {
  return engine_wait(ts, e, NULL, has_ended, deadline);
}
