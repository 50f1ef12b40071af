/* Waking who sleeps for an engine. Under Engine.m unless it says otherwise; below everything else. */
#ifndef GILUA_POOL_PROCESS_WAKE_H
#define GILUA_POOL_PROCESS_WAKE_H

#include "pool/process/engine_state.h"

/* engine_kick makes who sleeps in poll look again. With m, or by who knows that somebody waits inside. */
void engine_kick(Engine *e);

/* engine_tell makes a thread that waits look again, wherever it sleeps; engine_tell_ready those that wait for no task and have
 * now what they wait for; engine_wake_follower one that sleeps on its futex, without m. */
void engine_tell(Engine *e, TaskWait *w);
void engine_tell_ready(Engine *e);
void engine_wake_follower(TaskWait *w);

/* engine_wake_worker wakes it if it sleeps. */
void engine_wake_worker(WorkerHandle *w);

/* engine_wake_collector wakes the collector from a nap, which sees then what is to be done. Any thread, with or without m. */
void engine_wake_collector(Engine *e);

#endif
