/* The table of a task's states. */
#include "pool/process/task.h"

#include <criterion/criterion.h>
#include <signal.h>

TestSuite(task, .timeout = 20);

static Task in(TaskState state) {
  Task t = {0};
  atomic_store(&t.state, state);
  return t;
}

Test(task, is_decided_when_it_is_done_failed_or_cancelled) {
  for (int state = TASK_QUEUED; state <= TASK_CANCELLED; state++) {
    Task t = in((TaskState)state);
    cr_assert_eq(task_decided(&t), state >= TASK_DONE);
  }
}

Test(task, may_be_sent_and_taken_back_any_number_of_times) {
  Task t = in(TASK_QUEUED);
  for (int i = 0; i < 3; i++) {
    task_move(&t, TASK_SENT);
    task_move(&t, TASK_QUEUED);
  }
  cr_assert_not(task_decided(&t));
}

Test(task, ends_in_each_way_from_a_worker) {
  for (int state = TASK_DONE; state <= TASK_CANCELLED; state++) {
    Task t = in(TASK_SENT);
    task_move(&t, (TaskState)state);
    cr_assert_eq(atomic_load(&t.state), (TaskState)state);
  }
}

#ifndef NDEBUG
Test(task, that_is_decided_is_so_for_good, .signal = SIGABRT) {
  Task t = in(TASK_DONE);
  task_move(&t, TASK_CANCELLED);
}

Test(task, that_no_worker_had_has_no_result, .signal = SIGABRT) {
  Task t = in(TASK_QUEUED);
  task_move(&t, TASK_DONE);
}
#endif
