/* Exhaustive search of a model: every state that its steps lead to, and whether the good ones can be reached from each.
 *
 * A state is plain bytes without padding. A step is one store to shared memory, one compare-exchange or one system call. */
#ifndef GILUA_TESTS_MODEL_REACH_H
#define GILUA_TESTS_MODEL_REACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ReachModel {
  size_t size;
  /* Calls reach_go for each state that one step, or a death, makes of s. */
  void (*expand)(const void *s);
  /* What is wrong with s; NULL: nothing. */
  const char *(*wrong)(const void *s);
  /* Whether everything is at rest as it should be in s; one such state must be reachable from each for which `asked`. */
  bool (*good)(const void *s);
  bool (*asked)(const void *s);
  void (*print)(const void *s);
} ReachModel;

void reach_go(const void *s);

/* reach_run searches from the state `first` and ends the process: 0 with a line that says `holds`, or 1. */
_Noreturn void reach_run(const ReachModel *m, const void *first, const char *holds);

#endif
