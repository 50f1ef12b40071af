/* What runs the tasks of a ProcessPoolExecutor: see backend.h. */
#ifndef GILUA_POOL_PROCESS_PROCESS_BACKEND_H
#define GILUA_POOL_PROCESS_PROCESS_BACKEND_H

#include "pool/futures/backend.h"
#include "pool/process/engines.h"

typedef struct ProcessExecutor {
  Executor executor;
  EngineOwner owner;
  Engine *engine;   /* [i] NULL until the constructor is through */
  PickleLink *link; /* [i] */
} ProcessExecutor;

extern const Backend process_backend;

/* process_backend_notify is EngineOptions' `decided`: the Future that watches a task is told. */
void process_backend_notify(Task *t);

/* process_backend_engine is the engine of an executor; NULL while the constructor is not through, and in a process that was
 * forked. */
Engine *process_backend_engine(const Executor *e);

#endif
