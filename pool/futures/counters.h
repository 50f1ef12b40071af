/* What pools have done, for gil.stats(): counted always, kept for pools that were collected.
 *
 * Everything here needs the lock.
 */
#ifndef GILUA_POOL_FUTURES_COUNTERS_H
#define GILUA_POOL_FUTURES_COUNTERS_H

#include <stdint.h>

enum { POOL_NAME = 48, POOLS_KEPT = 20 };

typedef struct PoolCounters {
  char name[POOL_NAME];
  const char *kind;              /* "threads", "processes", "gearman" */
  int max_workers, workers;      /* workers: that live now */
  uint64_t submitted, finished;  /* tasks; finished: done, failed or cancelled */
  uint64_t queued, most_queued;  /* tasks that no worker has begun; at most */
  int64_t busy_ns;               /* workers had a task, all together */
} PoolCounters;

/* The pools that were collected. */
typedef struct EndedPools {
  PoolCounters at[POOLS_KEPT]; /* the newest of them: number i at i % POOLS_KEPT */
  PoolCounters all;            /* added up */
  uint64_t n;
} EndedPools;

/* counters_add adds up submitted, finished, queued and busy_ns. */
void counters_add(PoolCounters *sum, const PoolCounters *c);

/* counters_keep adds one. */
void counters_keep(EndedPools *ended, const PoolCounters *c);

#endif
