/* Asking: that the owner is asked when somebody has waited, not before, with back-off, and that nobody is forgotten. */
#include <criterion/criterion.h>
#include <signal.h>
#include <unistd.h>

#include "runtime/gil/gil.h"
#include "runtime/os/os.h"

TestSuite(nudger, .timeout = 20);

static Gil g;
static GilThread main_thread, other;
static pthread_t other_pthread;
static volatile sig_atomic_t signals;

static void on_signal(int sig) {
  (void)sig;
  signals++;
}

static void setup(void) {
  gil_init(&g);
  g.ask_signal = SIGUSR1;
  signal(SIGUSR1, on_signal);
  gil_thread_init(&main_thread, &g, NULL);
  main_thread.tid = os_tid();
  gil_take(&main_thread);
  gil_start_nudger(&g);
}

static void *take_once(void *arg) {
  (void)arg;
  os_block_signals(0, NULL);
  other.tid = os_tid();
  gil_take(&other);
  gil_exit(&other);
  return NULL;
}

static void start_other(void) {
  gil_thread_init(&other, &g, &main_thread);
  pthread_create(&other_pthread, NULL, take_once, NULL);
}

/* Computes, as Lua would, until the owner is asked. */
static void compute_until_asked(void) {
  while ((atomic_load(&main_thread.requests) & REQUEST_SWITCH) == 0) continue;
}

Test(nudger, the_owner_is_asked_when_somebody_waits, .init = setup) {
  start_other();
  compute_until_asked();
  cr_assert(gil_yield(&main_thread));
  pthread_join(other_pthread, NULL);
  cr_assert_geq(gil_asks(&g), 1);
}

Test(nudger, a_patient_policy_counts_the_interval_from_the_wait, .init = setup) {
  gil_set_policy(&g, &policy_interval);
  usleep(20000); /* the owner's turn has long lasted an interval */
  int64_t start = clock_ns();
  start_other();
  compute_until_asked();
  cr_assert_geq(clock_ns() - start, g.interval_ns * 9 / 10);
  gil_yield(&main_thread);
  pthread_join(other_pthread, NULL);
}

Test(nudger, nobody_is_asked_while_nobody_waits, .init = setup) {
  usleep(60000);
  cr_assert_eq(signals, 0);
  cr_assert_eq(gil_asks(&g), 0);
}

Test(nudger, asks_to_an_owner_that_does_not_react_are_repeated_ever_more_rarely, .init = setup) {
  gil_set_interval(&g, 1000000);
  start_other();
  int64_t start = clock_ns();
  while (clock_ns() - start < 300000000) continue;
  cr_assert_geq(gil_asks(&g), 4);
  cr_assert_leq(gil_asks(&g), 12, "%d asks in 300 intervals", (int)gil_asks(&g));
  gil_yield(&main_thread);
  pthread_join(other_pthread, NULL);
}

Test(nudger, a_request_that_got_lost_is_signalled_again, .init = setup) {
  gil_set_interval(&g, 1000000);
  atomic_fetch_or(&main_thread.requests, 2); /* set, but nobody was told */
  gil_alarm(&g);
  while (signals < 3) continue;
  atomic_store(&main_thread.requests, 0);
}

Test(nudger, it_is_woken_from_its_sleep_by_the_first_who_waits, .init = setup) {
  usleep(200000); /* dormant by now */
  start_other();
  compute_until_asked();
  gil_yield(&main_thread);
  pthread_join(other_pthread, NULL);
}

Test(nudger, a_second_start_and_a_second_stop_do_nothing, .init = setup) {
  cr_assert_eq(gil_start_nudger(&g), 0);
  gil_stop_nudger(&g);
  gil_stop_nudger(&g);
  cr_assert_eq(gil_start_nudger(&g), 0);
  gil_leave(&main_thread);
  gil_fini(&g);
}
