/* What the zygote is told about workers. Under Engine.m. */
#ifndef GILUA_POOL_PROCESS_ORDERS_H
#define GILUA_POOL_PROCESS_ORDERS_H

#include "pool/process/engine_state.h"

static inline unsigned worker_index(const Engine *e, const WorkerHandle *w) { return (unsigned)(w - e->workers); }

/* engine_ask sends a message to the zygote; false: it is gone, or its socket full. engine_pass_signal has it send a signal to
 * the first worker. engine_kill asks it to end a worker. */
bool engine_ask(Engine *e, ZygoteOp op, const WorkerHandle *w);
void engine_pass_signal(Engine *e, int sig);
void engine_kill(Engine *e, WorkerHandle *w);

/* engine_break fails everything; error is an errno, or cause the initializer that failed. */
void engine_break(Engine *e, int error, Task *cause);

/* outgoing_free drops what was under way to a worker. */
void outgoing_free(Outgoing *out);

#endif
