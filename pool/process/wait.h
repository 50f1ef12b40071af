/* Waiting: what the leader and the collector do, and who waits for a task, for room, for the end. */
#ifndef GILUA_POOL_PROCESS_WAIT_H
#define GILUA_POOL_PROCESS_WAIT_H

#include "pool/process/engine_state.h"

/* engine_work is one round of the leader's work: true if something was there to do. engine_sleep sleeps until a worker or the
 * zygote has something, or until; it gives up m meanwhile. Under Engine.m; the others without it. */
bool engine_work(Engine *e);
void engine_sleep(Engine *e, int64_t until);

/* engine_wait_task waits until t is decided; engine_wait_room while max_pending are undecided; engine_wait_ended until the
 * zygote is reaped, after engine_close. As park. */
ParkResult engine_wait_task(Tstate *ts, Task *t, int64_t deadline);
ParkResult engine_wait_room(Tstate *ts, Engine *e, int64_t deadline);
ParkResult engine_wait_ended(Tstate *ts, Engine *e, int64_t deadline);

/* engine_wait_born waits until the first worker is born, or it is known that none will be. */
ParkResult engine_wait_born(Tstate *ts, Engine *e, int64_t deadline);

/* engine_stop terminates it and waits until it has ended, with the interpreter lock if the caller has it: for the end of the
 * runtime, when nobody else wants that. */
void engine_stop(Engine *e);

#endif
