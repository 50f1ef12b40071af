/* Reading results. Under Engine.m. */
#ifndef GILUA_POOL_PROCESS_DRAIN_H
#define GILUA_POOL_PROCESS_DRAIN_H

#include "pool/process/engine_state.h"

/* engine_drain reads the results that are there, of long ones a piece; true if there were any. engine_drain_worker: of
 * one worker. */
bool engine_drain(Engine *e);
bool engine_drain_worker(Engine *e, WorkerHandle *w);

/* engine_taken_is_through: the first task with w was taken back, and the worker has dropped its bytes. */
bool engine_taken_is_through(const WorkerHandle *w);

#endif
