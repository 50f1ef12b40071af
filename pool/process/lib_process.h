/* ProcessPoolExecutor for gilua.futures. */
#ifndef GILUA_POOL_PROCESS_LIB_PROCESS_H
#define GILUA_POOL_PROCESS_LIB_PROCESS_H

#include "pool/futures/backend.h"

/* lib_process_add puts ProcessPoolExecutor into the table on top of the stack, which is gilua.futures. */
void lib_process_add(lua_State *L);

/* lib_process_is_foreign tells whether e, a ProcessPoolExecutor, is of no use here: made by the process that this one was
 * forked from, or not yet made. */
bool lib_process_is_foreign(const Executor *e);

#endif
