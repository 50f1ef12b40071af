/* The engine of a process pool: takes tasks as bytes, has them done by worker processes, keeps what came of them.
 *
 * Threads. engine_new, submit, settle, free need the interpreter lock. The rest of the work (feeding the rings, draining
 * them, deaths, time-outs) is done by whoever waits, without the interpreter lock, under Engine.m: a thread that waits
 * for a result becomes the leader, reads the rings itself and sleeps in poll; others that wait sleep on a futex, and the
 * leader that leaves makes one of them the next. While nobody waits a collector thread stands in.
 * Source of the idea: leader/followers (Schmidt et al.).
 *
 * Files, each above those that follow: engine.c (making and using it), collector.c, wait.c (the leader), cancel.c; parent.c
 * (births and deaths), drain.c and feed.c (the rings), orders.c (what the zygote is told), tasks.c, wake.c. Only the first
 * three wait.
 * Its state and the lock order stand in engine_state.h.
 */
#ifndef GILUA_POOL_PROCESS_ENGINE_H
#define GILUA_POOL_PROCESS_ENGINE_H

#include "pool/process/engine_state.h"

/* engine_new makes an engine and its zygote; the initializer (function and arguments), empty if there is none, becomes its
 * own. Raises broken_pool, invalid_state (inside a finalizer), memory errors. Leaves the lock for some milliseconds. */
Engine *engine_new(lua_State *L, Tstate *ts, const EngineOptions *options, PickleLink *link, PickleMessage *init,
                   void (*decided)(Task *t));

/* engine_submit queues a task; the message becomes its own. Returns NULL without memory. The caller owns a reference. */
Task *engine_submit(lua_State *L, Engine *e, PickleMessage *message);

/* engine_pid is the pid of the first worker, or 0. */
pid_t engine_pid(Engine *e);

/* engine_signal has the zygote send a signal to the first worker, if it lives, or as soon as it is born. */
void engine_signal(Engine *e, int sig);

/* engine_running tells whether a worker has begun the task. */
bool engine_running(Task *t);

/* engine_watch lets `decided` be called for t, at once if it is; watcher is not NULL. */
void engine_watch(Task *t, void *watcher);

/* engine_broken tells whether it cannot work any more; why (cause, broken_errno) may be read after that. */
bool engine_broken(Engine *e);

/* engine_ended tells whether it has ended: its zygote is reaped. */
bool engine_ended(Engine *e);

/* engine_busy_ns is how long the worker in a place has had tasks, what it runs now included. With m. */
int64_t engine_busy_ns(const Engine *e, unsigned place, int64_t now);

#endif
