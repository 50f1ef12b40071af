/* Tasks in the engine's hands: the queue, and the end of each. Under Engine.m unless it says otherwise; nothing here waits. */
#ifndef GILUA_POOL_PROCESS_TASKS_H
#define GILUA_POOL_PROCESS_TASKS_H

#include "pool/process/engine_state.h"

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

/* engine_drop gives up a reference, engine_leave that of its owner; engine_drop_task the caller's to a task, and its watcher.
 * Without m; engine_leave needs the interpreter lock. */
void engine_drop(Engine *e);
void engine_leave(lua_State *L, Engine *e);
void engine_drop_task(Task *t);

/* engine_foreign tells whether the engine is another process's: a copy that came along with a fork. */
bool engine_foreign(const Engine *e);

/* engine_bury frees tasks that ended. Needs the interpreter lock. */
void engine_bury(lua_State *L, Engine *e);

#endif
