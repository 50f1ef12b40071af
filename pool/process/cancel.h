/* Cancelling tasks, and ending the engine. Without Engine.m; any thread of the process whose engine it is. */
#ifndef GILUA_POOL_PROCESS_CANCEL_H
#define GILUA_POOL_PROCESS_CANCEL_H

#include "pool/process/engine_state.h"

/* engine_cancel: true if the task will have no result: it was queued, or its worker is killed for it. */
bool engine_cancel(Task *t);

/* engine_cancel_queued cancels what no worker has begun. engine_close ends the workers when nothing is pending any more;
 * engine_terminate cancels everything and ends them now. Neither waits. */
void engine_cancel_queued(Engine *e);
void engine_close(Engine *e);
void engine_terminate(Engine *e);

#endif
