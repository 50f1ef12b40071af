/* ThreadPoolExecutor: tasks run on Lua threads of this runtime, nothing is copied. */
#ifndef GILUA_POOL_FUTURES_THREAD_BACKEND_H
#define GILUA_POOL_FUTURES_THREAD_BACKEND_H

#include "pool/futures/backend.h"

/* thread_executor_new is ThreadPoolExecutor{max_workers, thread_name_prefix, initializer, initargs, show_progress}. */
int thread_executor_new(lua_State *L);

#endif
