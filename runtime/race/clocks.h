/* Vector clocks: what happened before what, among the threads of a run.
 *
 * Source: Mattern, "Virtual time and global states of distributed systems", 1989; as epochs: Flanagan and Freund, "FastTrack:
 * efficient and precise dynamic race detection", 2009.
 */
#ifndef GILUA_RUNTIME_RACE_CLOCKS_H
#define GILUA_RUNTIME_RACE_CLOCKS_H

#include <stdbool.h>
#include <stdint.h>

/* Numbers of threads are below. */
enum { CLOCKS_THREADS = 256 };

typedef struct ObjectClock ObjectClock;

/* All of it is guarded by the interpreter lock. */
typedef struct Clocks {
  uint32_t of[CLOCKS_THREADS][CLOCKS_THREADS]; /* of[t][u]: as much of u comes before what t does now */
  ObjectClock *objects;                        /* a table with open addressing, by address */
  uint64_t room, n;
} Clocks;

/* clocks_begin makes c, which is zeroed, the clocks of a run in which nothing has happened. */
void clocks_begin(Clocks *c);

/* The three steps: see order.h. release and acquire return false without memory; then nothing can be said any more. */
bool clocks_release(Clocks *c, unsigned thread, const void *object);
void clocks_acquire(Clocks *c, unsigned thread, const void *object);
void clocks_pass(Clocks *c, unsigned from, unsigned to);

/* clocks_now is the moment of what `thread` does now; clocks_before tells whether what `other` did at such a moment comes before what
 * `thread` does now. */
static inline uint32_t clocks_now(const Clocks *c, unsigned thread) { return c->of[thread][thread]; }
static inline bool clocks_before(const Clocks *c, unsigned other, uint32_t moment, unsigned thread) {
  return moment <= c->of[thread][other];
}

#endif
