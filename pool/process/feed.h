/* Giving tasks to workers. Under Engine.m. */
#ifndef GILUA_POOL_PROCESS_FEED_H
#define GILUA_POOL_PROCESS_FEED_H

#include "pool/process/engine_state.h"

enum { REFUSED_NS = 100000000 }; /* after a refusal of the system it is asked again */

/* engine_feed gives queued tasks to workers, and asks for workers; engine_pump writes what is under way to one. */
void engine_feed(Engine *e);
void engine_pump(Engine *e, WorkerHandle *w);

/* engine_send gives a QUEUED task, which is not in the queue, to a worker; false without memory. */
bool engine_send(Engine *e, WorkerHandle *w, Task *t);

#endif
