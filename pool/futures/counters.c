/* Adding up. */
#include "pool/futures/counters.h"

void counters_add(PoolCounters *sum, const PoolCounters *c) {
  sum->submitted += c->submitted;
  sum->finished += c->finished;
  sum->queued += c->queued;
  sum->busy_ns += c->busy_ns;
}

void counters_keep(EndedPools *ended, const PoolCounters *c) {
  ended->at[ended->n++ % POOLS_KEPT] = *c;
  counters_add(&ended->all, c);
}
