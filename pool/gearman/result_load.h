/* What came of a job, as Lua values. */
#ifndef GILUA_POOL_GEARMAN_RESULT_LOAD_H
#define GILUA_POOL_GEARMAN_RESULT_LOAD_H

#include "pool/futures/future.h"
#include "pool/gearman/client.h"

/* Kinds of error objects beside those of a process pool. */
#define ERROR_REFUSED "refused"

/* result_load is FutureSource.load of a decided job. */
FutureState result_load(lua_State *L, const Job *j);

#endif
