/* The policies as functions: given who held the lock how long, who is next and who is let in at once. The clock of these
 * tests is a number: one tick is one nanosecond.
 */
#include <criterion/criterion.h>

#include "runtime/gil/internal.h"

TestSuite(policy, .timeout = 5);

enum { MS = 1000000 };

static Gil g;
static GilThread owner, a, b;

static void give_to(GilThread *t, uint64_t now) {
  atomic_store(&g.word, (uintptr_t)t);
  g.last = t;
  gil_note(&g.turn_since, now);
  gil_note(&t->hold_since, now);
}

static void setup(void) {
  g = (Gil){.policy = &policy_fair, .interval = 5 * MS, .interval_ns = 5 * MS, .ticks_per_ns = 1};
  owner = a = b = (GilThread){.gil = &g};
  give_to(&owner, 1000 * (uint64_t)MS);
}

static bool urgent(const GilThread *t) { return t->urgent_in == gil_peek(&g.turn_since); }

Test(policy, fair_lets_a_thread_that_held_little_in_at_once, .init = setup) {
  policy_fair.ready(&g, &a, 1010 * (uint64_t)MS, READY_BACK);
  cr_assert(urgent(&a));
}

Test(policy, fair_does_not_disturb_the_owner_for_a_small_difference, .init = setup) {
  policy_fair.ready(&g, &a, 1000 * (uint64_t)MS + 900000, READY_BACK);
  cr_assert_not(urgent(&a));
}

/* As an offered lock finds them: a came while nobody owned it, and then the owner took it. */
static void come_to_a_free_lock(void) {
  atomic_store(&g.word, (uintptr_t)GIL_READY);
  policy_fair.ready(&g, &a, 1000 * (uint64_t)MS, READY_BACK);
  give_to(&owner, 1000 * (uint64_t)MS);
}

Test(policy, fair_lets_a_thread_that_came_to_a_free_lock_in_once_it_is_owned, .init = setup) {
  gil_note(&owner.held, 10 * MS);
  come_to_a_free_lock();
  cr_assert_not(urgent(&a));
  policy_fair.judge(&g, &a, 1000 * (uint64_t)MS);
  cr_assert(urgent(&a));
}

Test(policy, fair_charges_a_thread_once_however_many_owners_it_sees, .init = setup) {
  gil_note(&owner.held, 10 * MS);
  come_to_a_free_lock();
  policy_fair.judge(&g, &a, 1000 * (uint64_t)MS);
  int64_t charged = a.handicap;
  give_to(&owner, 1001 * (uint64_t)MS);
  policy_fair.judge(&g, &a, 1001 * (uint64_t)MS);
  cr_assert(urgent(&a));
  cr_assert_eq(a.handicap, charged);
  cr_assert_gt(charged, 0);
}

Test(policy, fair_does_not_disturb_a_new_owner_for_a_small_difference, .init = setup) {
  gil_note(&owner.held, 900000);
  come_to_a_free_lock();
  policy_fair.judge(&g, &a, 1000 * (uint64_t)MS);
  cr_assert_not(urgent(&a));
}

Test(policy, fair_charges_who_is_let_in_until_that_is_used_up, .init = setup) {
  uint64_t now = 1010 * (uint64_t)MS;
  int times = 0;
  while (times < 1000) {
    policy_fair.ready(&g, &a, now, READY_BACK);
    gil_queue_remove(&g.ready, &a);
    if (!urgent(&a)) break;
    a.urgent_in = 0;
    times++;
  }
  cr_assert_geq(times, 10);
  cr_assert_leq(times, 60);
}

Test(policy, fair_lets_a_granter_work_a_while_first, .init = setup) {
  policy_fair.ready(&g, &a, 1000 * (uint64_t)MS + 500000, READY_GRANTED);
  cr_assert_not(urgent(&a));
  policy_fair.ready(&g, &b, 1002 * (uint64_t)MS, READY_GRANTED);
  cr_assert(urgent(&b));
}

Test(policy, fair_takes_the_least_account_first, .init = setup) {
  gil_note(&a.held, 3 * MS);
  gil_note(&b.held, 1 * MS);
  policy_fair.ready(&g, &a, 1000 * (uint64_t)MS, READY_BACK);
  policy_fair.ready(&g, &b, 1000 * (uint64_t)MS, READY_BACK);
  cr_assert_eq(g.ready.head, &b);
  cr_assert_eq(g.ready.tail, &a);
}

Test(policy, fair_puts_the_forced_owner_behind_who_has_its_account, .init = setup) {
  gil_note(&a.held, 7 * MS);
  gil_note(&owner.held, 7 * MS);
  policy_fair.ready(&g, &a, 1000 * (uint64_t)MS, READY_BACK);
  give_to(&a, 1000 * (uint64_t)MS);
  policy_fair.ready(&g, &owner, 1000 * (uint64_t)MS, READY_FORCED);
  cr_assert_eq(g.ready.tail, &owner);
}

/* As gil_yield leaves it: the hold is counted, and the word still says t. */
static void force_out(GilThread *t, uint64_t now) {
  gil_note(&t->held, gil_peek(&t->held) + now - gil_peek(&t->hold_since));
  policy_fair.ready(&g, t, now, READY_FORCED);
}

Test(policy, fair_counts_the_hold_of_a_forced_owner_once, .init = setup) {
  force_out(&owner, 1005 * (uint64_t)MS);
  cr_assert_eq(owner.key, 5 * MS);
}

Test(policy, fair_keeps_the_floor_below_a_forced_owner, .init = setup) {
  gil_note(&a.held, 30 * MS);
  policy_fair.ready(&g, &a, 1000 * (uint64_t)MS, READY_BACK);
  force_out(&owner, 1005 * (uint64_t)MS);
  cr_assert_leq(g.floor, 5 * MS);
  cr_assert_eq(owner.handicap, 0);
}

enum { MOST_SPINNERS = 4, WAKES = 4000, WORK_NS = 5000 };

static GilThread *take_first(void) {
  GilThread *t = g.ready.head;
  gil_queue_remove(&g.ready, t);
  t->urgent_in = 0;
  return t;
}

/* A thread that wakes every millisecond beside n that compute: how often it is not let in at once. Afterwards spins[i] is
 * what each of these got. */
static int late_wakes(int n, uint64_t spins[]) {
  static GilThread spinner[MOST_SPINNERS];
  uint64_t now = 1000 * (uint64_t)MS;
  int late = 0;
  setup();
  for (int i = 0; i < n; i++) spinner[i] = (GilThread){.gil = &g};
  give_to(&spinner[0], now);
  for (int i = 1; i < n; i++) policy_fair.ready(&g, &spinner[i], now, READY_BACK);
  for (int wake = 0; wake < WAKES; wake++) {
    now += MS;
    GilThread *running = g.last;
    if (n > 1 && now - gil_peek(&g.turn_since) >= g.interval) {
      GilThread *next = take_first();
      force_out(running, now);
      give_to(next, now);
      running = next;
    }
    policy_fair.ready(&g, &a, now, READY_BACK);
    bool at_once = urgent(&a);
    late += !at_once;
    gil_queue_remove(&g.ready, &a);
    a.urgent_in = 0;
    if (!at_once) continue;
    force_out(running, now);
    give_to(&a, now);
    now += WORK_NS;
    gil_note(&a.held, gil_peek(&a.held) + WORK_NS);
    give_to(take_first(), now);
  }
  for (int i = 0; i < n; i++) spins[i] = gil_held_ticks(&spinner[i], now);
  return late;
}

Test(policy, fair_lets_a_waker_in_at_once_beside_any_number_of_spinners_which_share_alike) {
  for (int n = 1; n <= MOST_SPINNERS; n++) {
    uint64_t spins[MOST_SPINNERS], total = 0;
    cr_assert_leq(late_wakes(n, spins), WAKES / 200, "beside %d spinners", n);
    for (int i = 0; i < n; i++) total += spins[i];
    for (int i = 0; i < n; i++) cr_assert_geq(spins[i] * (uint64_t)n * 10, total * 9, "spinner %d of %d", i, n);
  }
}

Test(policy, fair_credits_a_long_sleeper_only_so_much, .init = setup) {
  give_to(&owner, 0);
  policy_fair.ready(&g, &a, 3600000 * (uint64_t)MS, READY_BACK);
  int64_t behind = 3600000 * (int64_t)MS - a.key;
  cr_assert_leq(behind, (int64_t)g.interval);
}

Test(policy, fair_comes_straight_back_within_its_turn_only, .init = setup) {
  uint64_t start = 1000 * (uint64_t)MS;
  cr_assert(policy_fair.straight_back(&g, &owner, start + 1 * MS));
  cr_assert_not(policy_fair.straight_back(&g, &owner, start + 6 * MS));
  cr_assert_not(policy_fair.straight_back(&g, &a, start + 1 * MS));
}

Test(policy, interval_and_ticks_are_first_come_first_served_and_never_urgent, .init = setup) {
  const Policy *const both[] = {&policy_interval, &policy_ticks};
  for (int i = 0; i < 2; i++) {
    setup();
    gil_note(&a.held, 9 * MS);
    both[i]->ready(&g, &a, 1020 * (uint64_t)MS, READY_BACK);
    both[i]->ready(&g, &b, 1020 * (uint64_t)MS, READY_GRANTED);
    cr_assert_eq(g.ready.head, &a);
    cr_assert_eq(g.ready.tail, &b);
    cr_assert_not(urgent(&a) || urgent(&b));
    cr_assert(both[i]->straight_back(&g, &b, 0));
  }
}

Test(policy, policies_are_found_by_name) {
  cr_assert_eq(policy_find("fair"), &policy_fair);
  cr_assert_eq(policy_find("interval"), &policy_interval);
  cr_assert_eq(policy_find("ticks"), &policy_ticks);
  cr_assert_null(policy_find("unfair"));
}
