/* Threads do random things to one lock: take, leave, park with and without deadline, ready each other, yield, request.
 * Data that only the lock guards shows whether two ever own it; a thread that is never granted shows as a hang.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/gil/gil.h"
#include "runtime/os/os.h"
#include "runtime/state/waitq.h"
#include "tests/support/stress.h"

enum { THREADS = 6, WANTED = 64 };

typedef struct Worker {
  GilThread t;
  int number;
  pthread_t pthread;
  Waiter wait; /* guarded by the lock, as every field without a tag here */
  uint64_t grants, timeouts, requests;
} Worker;

static Gil g;
static Worker workers[THREADS];
static Waitq parked;
static uint64_t inside, granted, taken_up; /* guarded by the lock */

static Worker *worker_of(Waiter *w) { return (Worker *)((char *)w - offsetof(Worker, wait)); }

static void touch(void) {
  uint64_t before = inside;
  for (volatile int i = 0; i < 20; i++) continue;
  inside = before + 1;
}

static bool grant_one(Worker *self, bool urgent) {
  if (waitq_empty(&parked)) return false;
  Waiter *w = parked.head;
  waitq_remove(w);
  w->granted = true;
  granted++;
  gil_ready(&self->t, &worker_of(w)->t, urgent);
  return true;
}

/* As park does it. */
static void park(Worker *self, int64_t deadline) {
  self->wait.granted = false;
  waitq_append(&parked, &self->wait);
  gil_park(&self->t);
  gil_sleep(&self->t, deadline, WANTED, true);
  if (self->wait.granted) {
    taken_up++;
    self->grants++;
    return;
  }
  waitq_remove(&self->wait);
  if ((atomic_fetch_and(&self->t.requests, ~(uint32_t)WANTED) & WANTED) != 0) self->requests++;
  else self->timeouts++;
}

static void act(Worker *self, uint64_t *stream) {
  switch (stress_random(stream, 10)) {
    case 0: gil_yield(&self->t); break;
    case 1: case 2: grant_one(self, stress_random(stream, 2) == 0); break;
    case 3: while (grant_one(self, false)) continue; break;
    case 4: park(self, clock_ns() + stress_random(stream, 300000)); break;
    case 5: park(self, clock_ns() + stress_random(stream, 3000)); break;
    case 6: gil_request(&self->t, &workers[stress_random(stream, THREADS)].t, WANTED); break;
    case 7:
      gil_leave(&self->t);
      if (stress_random(stream, 8) == 0) sched_yield();
      gil_take(&self->t);
      break;
    default: touch();
  }
  if ((atomic_load_explicit(&self->t.requests, memory_order_relaxed) & REQUEST_SWITCH) != 0) gil_yield(&self->t);
  touch();
}

static void *run(void *arg) {
  Worker *self = arg;
  uint64_t stream = stress_seed(self->number);
  self->t.tid = os_tid();
  gil_take(&self->t);
  for (int i = 0; i % 64 != 0 || !stress_over(); i++) act(self, &stream);
  while (grant_one(self, false)) continue;
  gil_exit(&self->t);
  return NULL;
}

int main(int argc, char **argv) {
  static const Policy *const policies[] = {&policy_fair, &policy_interval};
  stress_begin(argc, argv, 4);
  stress_check(gil_init(&g) == 0);
  uint64_t stream = stress_seed(99);
  gil_set_policy(&g, policies[stress_random(&stream, 2)]);
  gil_set_interval(&g, 1000 + stress_random(&stream, 100000));
  GilThread main_thread;
  gil_thread_init(&main_thread, &g, NULL);
  main_thread.tid = os_tid();
  gil_take(&main_thread);
  stress_check(gil_start_nudger(&g) == 0);
  for (int i = 0; i < THREADS; i++) {
    workers[i].number = i;
    gil_thread_init(&workers[i].t, &g, &main_thread);
  }
  for (int i = 0; i < THREADS; i++) stress_check(pthread_create(&workers[i].pthread, NULL, run, &workers[i]) == 0);
  gil_leave(&main_thread);
  for (int i = 0; i < THREADS; i++) pthread_join(workers[i].pthread, NULL);
  gil_take(&main_thread);
  stress_check(granted == taken_up); /* granted wins over late: no grant is lost, none counts twice */
  stress_check(inside > 0 && waitq_empty(&parked));
  gil_leave(&main_thread);
  gil_fini(&g);
  return stress_end("gil_stress");
}
