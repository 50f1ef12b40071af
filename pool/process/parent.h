/* The parent's side of the zygote: what it says, and its end. Under Engine.m. */
#ifndef GILUA_POOL_PROCESS_PARENT_H
#define GILUA_POOL_PROCESS_PARENT_H

#include "pool/process/engine_state.h"

/* engine_hear handles what the zygote says; engine_lose that it is gone, and its workers with it. engine_hang_up closes the
 * socket: the zygote ends its workers, and itself. It is not reaped. */
void engine_hear(Engine *e);
void engine_lose(Engine *e);
void engine_hang_up(Engine *e);

/* engine_check_time ends tasks that outran their time; the next moment at which there is something to look at or to try
 * again, or CLOCK_NEVER. */
int64_t engine_check_time(Engine *e, int64_t now);

#endif
