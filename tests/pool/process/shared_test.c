/* Slots: who may take a task from which state to which, and that only the task that is meant is hit. */
#include "pool/process/shared.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stddef.h>

TestSuite(slot, .timeout = 20);

static const SlotState states[] = {SLOT_FREE, SLOT_QUEUED, SLOT_BEGUN, SLOT_ENDED, SLOT_TAKEN, SLOT_KILLED};
enum { STATES = sizeof states / sizeof states[0] };

Test(slot, zero_is_free) {
  Slot s = {0};
  cr_assert_eq(slot_state(&s, 0), SLOT_FREE);
  cr_assert_eq(slot_state(&s, 5), SLOT_FREE);
}

Test(slot, moves_only_from_the_state_that_is_named) {
  for (unsigned is = 0; is < STATES; is++)
    for (unsigned from = 0; from < STATES; from++) {
      Slot s = {0};
      slot_set(&s, 9, states[is]);
      cr_assert_eq(slot_move(&s, 9, states[from], SLOT_BEGUN), is == from);
      cr_assert_eq(slot_state(&s, 9), is == from ? SLOT_BEGUN : states[is]);
    }
}

Test(slot, another_tasks_slot_is_left_alone) {
  Slot s = {0};
  slot_set(&s, 9, SLOT_QUEUED);
  cr_assert_not(slot_move(&s, 8, SLOT_QUEUED, SLOT_TAKEN));
  cr_assert_eq(slot_state(&s, 8), SLOT_FREE);
  cr_assert_eq(slot_state(&s, 9), SLOT_QUEUED);
}

Test(slot, task_numbers_use_all_bits_that_the_state_leaves) {
  const uint64_t last = UINT64_MAX >> SLOT_BITS;
  Slot s = {0};
  slot_set(&s, last, SLOT_QUEUED);
  cr_assert_not(slot_move(&s, last - 1, SLOT_QUEUED, SLOT_BEGUN));
  cr_assert(slot_move(&s, last, SLOT_QUEUED, SLOT_BEGUN));
  cr_assert_eq(slot_state(&s, last), SLOT_BEGUN);
}

/* A worker that begins and ends each task, a parent that takes some back and kills some: one of the two has each. */
enum { ROUNDS = 20000 };

static Slot raced;
static _Atomic uint64_t offered, settled;
static bool begun[ROUNDS + 1], ended[ROUNDS + 1];

static void *work(void *unused) {
  for (uint64_t id = 1; id <= ROUNDS; id++) {
    while (atomic_load(&offered) != id) continue;
    begun[id] = slot_move(&raced, id, SLOT_QUEUED, SLOT_BEGUN);
    ended[id] = begun[id] && slot_move(&raced, id, SLOT_BEGUN, SLOT_ENDED);
    atomic_store(&settled, id);
  }
  return unused;
}

Test(slot, a_race_has_one_winner_each_time) {
  pthread_t worker;
  cr_assert_eq(pthread_create(&worker, NULL, work, NULL), 0);
  for (uint64_t id = 1; id <= ROUNDS; id++) {
    slot_set(&raced, id, SLOT_QUEUED);
    atomic_store(&offered, id);
    bool taken = slot_move(&raced, id, SLOT_QUEUED, SLOT_TAKEN);
    bool killed = !taken && slot_move(&raced, id, SLOT_BEGUN, SLOT_KILLED);
    while (atomic_load(&settled) != id) continue;
    cr_assert_neq(taken, begun[id], "task %d", (int)id);
    cr_assert(!killed || begun[id]);
    cr_assert_eq(ended[id], begun[id] && !killed);
    cr_assert_eq(slot_state(&raced, id), taken ? SLOT_TAKEN : killed ? SLOT_KILLED : SLOT_ENDED);
  }
  pthread_join(worker, NULL);
}

Test(shared, each_worker_has_memory_of_its_own) {
  cr_assert_eq(shared_size(0), sizeof(PoolShared));
  cr_assert_eq(shared_size(3) - shared_size(2), sizeof(WorkerShared));
  cr_assert_eq(sizeof(WorkerShared) % 64, 0, "no two workers share a cache line");
  cr_assert_eq(offsetof(WorkerShared, tasks) % 64, 0);
  cr_assert_eq(offsetof(WorkerShared, results) % 64, 0);
}
