/* What the leader and the collector do. Under Engine.m. */
#ifndef GILUA_POOL_PROCESS_WAIT_H
#define GILUA_POOL_PROCESS_WAIT_H

#include "pool/process/engine.h"

/* engine_work is one round of the leader's work: true if something was there to do. engine_sleep sleeps until a worker or the
 * zygote has something, or until; it gives up m meanwhile. */
bool engine_work(Engine *e);
void engine_sleep(Engine *e, int64_t until);

#endif
