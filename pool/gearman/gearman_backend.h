/* What runs the tasks of a GearmanExecutor: see backend.h. */
#ifndef GILUA_POOL_GEARMAN_GEARMAN_BACKEND_H
#define GILUA_POOL_GEARMAN_GEARMAN_BACKEND_H

#include "pool/futures/backend.h"
#include "pool/gearman/client.h"

typedef struct GearmanExecutor {
  Executor executor;
  JobClient *client; /* [i] NULL until the constructor is through */
} GearmanExecutor;

extern const Backend gearman_backend;

/* gearman_backend_notify is client_new's `decided`: the Future that watches a job is told. */
void gearman_backend_notify(Job *j);

#endif
