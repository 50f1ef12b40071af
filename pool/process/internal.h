/* What the files of the engine share. All under Engine.m unless it says otherwise. */
#ifndef GILUA_POOL_PROCESS_INTERNAL_H
#define GILUA_POOL_PROCESS_INTERNAL_H

#include "pool/process/engine.h"

enum { REFUSED_NS = 100000000 }; /* after a refusal of the system it is asked again */

/* engine_feed gives queued tasks to workers, and asks for workers; engine_pump writes what is under way to one. */
void engine_feed(Engine *e);
void engine_pump(Engine *e, WorkerHandle *w);

/* engine_send gives a QUEUED task, which is not in the queue, to a worker; false without memory. */
bool engine_send(Engine *e, WorkerHandle *w, Task *t);

void outgoing_free(Outgoing *out);

/* engine_drain reads the results that are there; true if there were any. engine_drain_worker: of one. */
bool engine_drain(Engine *e);
bool engine_drain_worker(Engine *e, WorkerHandle *w);

/* engine_taken_is_through: the first task with w was taken back, and the worker has dropped its bytes. */
bool engine_taken_is_through(const WorkerHandle *w);

/* engine_decide makes a task final and tells who waits. */
void engine_decide(Engine *e, Task *t, TaskState state);

/* engine_enqueue puts a task into the queue, in front or at the end. engine_unqueue takes one out. */
void engine_enqueue(Engine *e, Task *t, bool front);
void engine_unqueue(Engine *e, Task *t);

/* engine_unref gives up a reference to a task; the last puts it into the graveyard. */
void engine_unref(Task *t);

/* engine_kill asks the zygote to end a worker. */
void engine_kill(Engine *e, WorkerHandle *w);

/* engine_pass_signal has the zygote send a signal to the first worker. */
void engine_pass_signal(Engine *e, int sig);

/* engine_ask sends a message to the zygote; false: it is gone, or its socket full. */
bool engine_ask(Engine *e, ZygoteOp op, const WorkerHandle *w);

/* engine_hear handles what the zygote says; engine_lose that it is gone, and its workers with it. */
void engine_hear(Engine *e);
void engine_lose(Engine *e);

/* engine_break fails everything; error is an errno, or cause the initializer that failed. */
void engine_break(Engine *e, int error, Task *cause);

/* engine_check_time ends tasks that outran their time; the next moment at which there is something to look at or to try
 * again, or CLOCK_NEVER. */
int64_t engine_check_time(Engine *e, int64_t now);

/* engine_wake_worker wakes it if it sleeps. */
void engine_wake_worker(WorkerHandle *w);

/* engine_start_collector starts the thread that stands in; 0 or an errno. engine_kick makes who sleeps in poll look again;
 * engine_tell makes a thread that waits look again, wherever it sleeps; engine_tell_ready those that wait for no task and
 * have now what they wait for. */
int engine_start_collector(Engine *e);
void engine_kick(Engine *e);
void engine_tell(Engine *e, TaskWait *w);
void engine_tell_ready(Engine *e);

/* engine_work is one round of the leader's work: true if something was there to do. engine_sleep sleeps until a worker
 * or the zygote has something, or until; it gives up m meanwhile. */
bool engine_work(Engine *e);
void engine_sleep(Engine *e, int64_t until);

/* zygote_fork makes a zygote for e, with the interpreter lock; 0 or an errno. Leaves the lock while it waits. */
int zygote_fork(lua_State *L, Tstate *ts, Engine *e);

/* spawn_zygote executes one; 0 or an errno. Needs the interpreter lock. */
int spawn_zygote(lua_State *L, Engine *e, pid_t *pid);

/* engine_hang_up closes the socket: the zygote ends its workers, and itself. It is not reaped. */
void engine_hang_up(Engine *e);

/* engine_over: its zygote is reaped, and nothing will happen any more. */
static inline bool engine_over(const Engine *e) { return e->state == ENGINE_ENDED && e->zygote == 0; }

static inline unsigned worker_index(const Engine *e, const WorkerHandle *w) { return (unsigned)(w - e->workers); }

#endif
