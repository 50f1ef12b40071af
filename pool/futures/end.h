/* The end of the program, or of its runtime, for executors. */
#ifndef GILUA_POOL_FUTURES_END_H
#define GILUA_POOL_FUTURES_END_H

#include "pool/futures/registry.h"

/* end_open opens the registry of executors and the service of futures of L's runtime. When that ends, every executor is closed
 * and waited for, then the callbacks (service.h). Raises when the state has no runtime any more. */
ExecutorRegistry *end_open(lua_State *L);

#endif
