/* The futex: sleep while a word has a value, wake those who sleep on it. */
#ifndef GILUA_RUNTIME_OS_FUTEX_H
#define GILUA_RUNTIME_OS_FUTEX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* futex_wait sleeps while *word == value, until a wake, a signal or the deadline (clock.h). Returns false when the
 * deadline passed; true otherwise, also for no reason. Keeps errno. */
bool futex_wait(_Atomic uint32_t *word, uint32_t value, int64_t deadline);

/* futex_wake wakes at most n sleepers. Safe in a signal handler, and on a word that was freed meanwhile: only its
 * address counts. Keeps errno. */
void futex_wake(_Atomic uint32_t *word, int n);

/* The same for a word in memory that several processes share. */
bool futex_wait_shared(_Atomic uint32_t *word, uint32_t value, int64_t deadline);
void futex_wake_shared(_Atomic uint32_t *word, int n);

#endif
