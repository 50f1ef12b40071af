/* The table of a task's states. */
#include "pool/process/task.h"

#include <assert.h>

static const bool legal[][TASK_CANCELLED + 1] = {
    [TASK_QUEUED] = {[TASK_SENT] = true, [TASK_FAILED] = true, [TASK_CANCELLED] = true},
    [TASK_SENT] = {[TASK_QUEUED] = true, [TASK_DONE] = true, [TASK_FAILED] = true, [TASK_CANCELLED] = true},
    [TASK_DONE] = {0},
    [TASK_FAILED] = {0},
    [TASK_CANCELLED] = {0},
};

void task_move(Task *t, TaskState to) {
  TaskState from = atomic_load_explicit(&t->state, memory_order_relaxed);
  (void)legal, (void)from;
  assert(legal[from][to]);
  atomic_store_explicit(&t->state, to, memory_order_release);
}
