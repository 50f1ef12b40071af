/* Who a process is, for other processes: one word, so that a compare-exchange takes a lock and says whose it is.
 *
 *   bits 0 … 30 the pid, bit 31 free for the word's owner (SHARED_WAITED), bits 32 … 62 when it began, bit 63 free
 *
 * A pid that was given again began at another time, so its word is another. A process is dead when it is a zombie, too.
 */
#ifndef GILUA_RUNTIME_SHARED_SELF_H
#define GILUA_RUNTIME_SHARED_SELF_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef uint64_t SharedId; /* 0: nobody */

#define SHARED_WAITED ((uint64_t)1 << 31) /* in a lock's word: somebody waits */

/* What is read of a process in /proc. */
typedef struct SharedLife {
  SharedId id;
  uint64_t stack; /* where its stack begins: another one after execve; 0: not to be seen */
} SharedLife;

extern _Atomic SharedId shared_self_id; /* [a] of the calling process, 0: not read since the last fork; relaxed */

/* shared_self_slow reads it. Any thread. */
SharedId shared_self_slow(void);

/* shared_self is the calling process. */
static inline SharedId shared_self(void) {
  SharedId id = atomic_load_explicit(&shared_self_id, memory_order_relaxed);
  return id != 0 ? id : shared_self_slow();
}

/* shared_life reads what lives under the pid of id; false if nothing does. What cannot be read now, for want of descriptors,
 * is taken for id itself. */
bool shared_life(SharedId id, SharedLife *life);

/* shared_alive tells whether id lives. Some 20 us. */
bool shared_alive(SharedId id);

#endif
