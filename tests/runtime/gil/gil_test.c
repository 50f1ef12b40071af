/* The lock without Lua: who gets it, in what order, and how waits end. Threads are steered by what they do to the lock
 * itself: a thread in line is seen in Gil.queued.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/gil/gil.h"
#include "runtime/os/os.h"

TestSuite(gil, .timeout = 20);

enum { MOST = 8 };

static Gil g;
static GilThread main_thread;
static int order[4 * MOST], norder; /* guarded by the lock */

typedef struct Worker {
  GilThread t;
  pthread_t pthread;
  int number;
  int64_t deadline;    /* of its park */
  uint32_t wanted;     /* requests that end its park */
  bool readied;  /* what gil_sleep said */
  bool done;           /* guarded by the lock */
} Worker;

static Worker workers[MOST];

static void setup(void) {
  gil_init(&g);
  gil_set_policy(&g, &policy_interval); /* first come, first served; the order of "fair" is in policy_test.c */
  gil_thread_init(&main_thread, &g, NULL);
  main_thread.tid = os_tid();
  gil_take(&main_thread);
}

static Worker *start(int i, void *(*body)(void *)) {
  Worker *w = &workers[i];
  *w = (Worker){.number = i, .deadline = CLOCK_NEVER};
  gil_thread_init(&w->t, &g, &main_thread);
  pthread_create(&w->pthread, NULL, body, w);
  return w;
}

static unsigned in_line(void) {
  pthread_mutex_lock(&g.m);
  unsigned n = g.queued + (g.coming != NULL);
  pthread_mutex_unlock(&g.m);
  return n;
}

static void wait_in_line(unsigned n) {
  while (in_line() != n) usleep(100);
}

/* Lets others have the lock until every one of n workers is done. */
static void finish(int n) {
  gil_leave(&main_thread);
  for (int i = 0; i < n; i++) pthread_join(workers[i].pthread, NULL);
  gil_take(&main_thread);
}

static void *take_once(void *arg) {
  Worker *w = arg;
  w->t.tid = os_tid();
  gil_take(&w->t);
  order[norder++] = w->number;
  gil_exit(&w->t);
  return NULL;
}

static void *park_once(void *arg) {
  Worker *w = arg;
  w->t.tid = os_tid();
  gil_take(&w->t);
  gil_park(&w->t);
  w->readied = gil_sleep(&w->t, w->deadline, w->wanted, false);
  order[norder++] = w->number;
  w->done = true;
  gil_exit(&w->t);
  return NULL;
}

/* Starts n workers that are parked, in order of their numbers. */
static void start_parked(int n) {
  for (int i = 0; i < n; i++) {
    start(i, park_once);
    wait_in_line(1);
    gil_yield(&main_thread); /* it takes the lock, parks, and the lock comes back */
  }
}

Test(gil, a_free_lock_is_taken_and_left_by_one_thread, .init = setup) {
  cr_assert(gil_held(&main_thread));
  gil_leave(&main_thread);
  cr_assert_not(gil_held(&main_thread));
  gil_take(&main_thread);
  cr_assert_eq(main_thread.acquisitions, 2);
  cr_assert_eq(g.switches, 1);
}

Test(gil, taking_keeps_errno, .init = setup) {
  errno = 4711;
  gil_leave(&main_thread);
  gil_take(&main_thread);
  cr_assert_eq(errno, 4711);
}

Test(gil, threads_get_the_lock_in_the_order_they_came, .init = setup) {
  gil_set_interval(&g, 1); /* one that is awake passes who has waited for less than a part of it */
  for (int i = 0; i < 5; i++) {
    start(i, take_once);
    wait_in_line((unsigned)i + 1);
  }
  finish(5);
  for (int i = 0; i < 5; i++) cr_assert_eq(order[i], i);
}

Test(gil, yield_without_others_does_nothing, .init = setup) {
  cr_assert_not(gil_yield(&main_thread));
  cr_assert_eq(main_thread.forced, 0);
}

Test(gil, yield_hands_over_and_comes_back, .init = setup) {
  start(0, take_once);
  wait_in_line(1);
  cr_assert(gil_yield(&main_thread));
  cr_assert_eq(norder, 1);
  cr_assert(gil_held(&main_thread));
  cr_assert_eq(main_thread.forced, 1);
  finish(1);
}

Test(gil, a_parked_thread_sleeps_until_it_is_readied, .init = setup) {
  start_parked(1);
  cr_assert_eq(in_line(), 0);
  for (int i = 0; i < 20; i++) {
    gil_leave(&main_thread);
    gil_take(&main_thread);
  }
  cr_assert_not(workers[0].done);
  gil_ready(&main_thread, &workers[0].t, false);
  finish(1);
  cr_assert(workers[0].done);
  cr_assert(workers[0].readied);
}

Test(gil, an_urgent_thread_passes_those_in_line, .init = setup) {
  gil_set_interval(&g, 1000000000); /* nobody waits that long */
  start_parked(3);
  gil_ready(&main_thread, &workers[0].t, false);
  gil_ready(&main_thread, &workers[1].t, false);
  gil_ready(&main_thread, &workers[2].t, true);
  cr_assert((main_thread.requests & REQUEST_SWITCH) != 0, "the granter is asked to let it run");
  finish(3);
  cr_assert_eq(order[0], 2);
}

Test(gil, an_urgent_thread_does_not_pass_one_who_has_waited_an_interval, .init = setup) {
  start_parked(2);
  gil_ready(&main_thread, &workers[0].t, false);
  usleep(20000); /* four intervals */
  gil_ready(&main_thread, &workers[1].t, true);
  finish(2);
  cr_assert_eq(order[0], 0);
}

static void *park_for_a_moment(void *arg) {
  Worker *w = arg;
  w->deadline = clock_ns() + 2000000;
  return park_once(arg);
}

Test(gil, a_deadline_ends_a_park_without_the_lock, .init = setup) {
  start(0, park_for_a_moment);
  finish(1);
  cr_assert(workers[0].done);
  cr_assert_not(workers[0].readied);
}

Test(gil, a_grant_that_races_with_the_deadline_still_gives_the_lock_once, .init = setup) {
  for (int round = 0; round < 200; round++) {
    norder = 0;
    Worker *w = start(0, park_once);
    w->deadline = clock_ns() + 200000 + round * 1000;
    wait_in_line(1);
    gil_yield(&main_thread);
    usleep(150);
    if (!w->done) gil_ready(&main_thread, &w->t, false);
    finish(1);
    cr_assert(w->done);
    cr_assert_eq(w->t.acquisitions, 2);
  }
}

Test(gil, a_request_ends_the_park_of_a_thread_that_wants_it, .init = setup) {
  start_parked(1);
  workers[0].wanted = 0;
  gil_request(&main_thread, &workers[0].t, 64);
  gil_leave(&main_thread);
  usleep(2000);
  gil_take(&main_thread);
  cr_assert_not(workers[0].done, "it did not want this one");
  gil_ready(&main_thread, &workers[0].t, false);
  finish(1);
}

static void *park_for_requests(void *arg) {
  ((Worker *)arg)->wanted = 64;
  return park_once(arg);
}

Test(gil, a_wanted_request_wakes_a_parked_thread, .init = setup) {
  start(0, park_for_requests);
  wait_in_line(1);
  gil_yield(&main_thread);
  gil_request(&main_thread, &workers[0].t, 64);
  finish(1);
  cr_assert_not(workers[0].readied);
}

Test(gil, a_lock_left_for_native_work_goes_to_one_thread_in_line, .init = setup) {
  start(0, take_once);
  wait_in_line(1);
  gil_leave(&main_thread);
  pthread_join(workers[0].pthread, NULL); /* comes although main never parks */
  gil_take(&main_thread);
  cr_assert_eq(norder, 1);
}

Test(gil, coming_straight_back_starves_nobody, .init = setup) {
  start(0, take_once);
  wait_in_line(1);
  while (norder == 0) {
    gil_leave(&main_thread);
    gil_take(&main_thread);
  }
  finish(1);
}

static volatile sig_atomic_t armed;
static void count_arm(GilThread *self) {
  (void)self;
  armed++;
}

Test(gil, a_thread_that_gets_the_lock_with_requests_is_armed, .init = setup) {
  g.arm = count_arm;
  gil_request(&main_thread, &main_thread, 2);
  cr_assert_eq(armed, 1);
  gil_leave(&main_thread);
  gil_take(&main_thread);
  cr_assert_eq(armed, 2);
}

Test(gil, counters_add_up, .init = setup) {
  start_parked(3);
  for (int i = 0; i < 3; i++) gil_ready(&main_thread, &workers[i].t, false);
  finish(3);
  uint64_t acquisitions = main_thread.acquisitions, waited = 0;
  for (int i = 0; i < 3; i++) {
    acquisitions += workers[i].t.acquisitions;
    waited += workers[i].t.waited;
    cr_assert_eq(workers[i].t.acquisitions, 2);
  }
  cr_assert_geq(acquisitions, g.switches);
  cr_assert_gt(waited, 0);
  cr_assert_gt(gil_held_ticks(&main_thread, clock_ticks(&g.clock)), main_thread.longest);
}

Test(gil, the_only_thread_of_a_forked_child_owns_the_lock, .init = setup) {
  start(0, take_once);
  wait_in_line(1);
  gil_before_fork(&g);
  pid_t pid = fork();
  if (pid == 0) {
    gil_after_fork_child(&g, &main_thread);
    bool good = gil_held(&main_thread) && g.queued == 0 && main_thread.tid == os_tid() && !gil_yield(&main_thread);
    gil_leave(&main_thread);
    gil_take(&main_thread);
    _exit(good ? 0 : 1);
  }
  gil_after_fork_parent(&g);
  int status;
  waitpid(pid, &status, 0);
  cr_assert_eq(status, 0);
  finish(1);
  cr_assert_eq(norder, 1);
}

static void *take_closed(void *arg) {
  Worker *w = arg;
  gil_take(&w->t);
  abort();
}

Test(gil, nobody_gets_a_closed_lock, .init = setup) {
  start(0, take_closed);
  wait_in_line(1);
  gil_close(&main_thread);
  start(1, take_closed);
  usleep(20000); /* an abort would be seen */
}

Test(gil, taking_a_lock_that_one_owns_is_caught, .init = setup, .signal = SIGABRT) { gil_take(&main_thread); }

Test(gil, leaving_a_lock_that_one_does_not_own_is_caught, .init = setup, .signal = SIGABRT) {
  gil_leave(&main_thread);
  gil_leave(&main_thread);
}
