/* Tasks in the engine's hands: the queue, and the end of each. Under Engine.m; nothing here waits. */
#ifndef GILUA_POOL_PROCESS_TASKS_H
#define GILUA_POOL_PROCESS_TASKS_H

#include "pool/process/engine.h"

/* engine_enqueue puts a task into the queue, in front or at the end. engine_unqueue takes one out. */
void engine_enqueue(Engine *e, Task *t, bool front);
void engine_unqueue(Engine *e, Task *t);

/* engine_decide makes a task final and tells who waits. */
void engine_decide(Engine *e, Task *t, TaskState state);

/* engine_give_back gives descriptors and shared memory back to the system, if the engine is over and nobody waits in it; the
 * engine itself stays until its owner and the futures have let go of it, which may be long after. */
void engine_give_back(Engine *e);

/* engine_unref gives up a reference to a task; the last puts it into the graveyard. */
void engine_unref(Task *t);

#endif
