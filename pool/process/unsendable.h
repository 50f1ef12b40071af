/* What a worker sends in the place of what cannot travel. With the lock; they raise memory errors. */
#ifndef GILUA_POOL_PROCESS_UNSENDABLE_H
#define GILUA_POOL_PROCESS_UNSENDABLE_H

#include "pool/pickle/pickle.h"

/* unsendable_push_error pushes an error object that tells of the error at index i, with its traceback above it, which
 * cannot travel for the reason on top of the stack: of its kind, if it has one. */
void unsendable_push_error(lua_State *L, int i);

/* unsendable_mend_chunk looks at what chunk_run gave, from index `results` on, which cannot travel as a whole: a call
 * whose result cannot has failed with the reason, an error that cannot is told. The others stay. */
void unsendable_mend_chunk(lua_State *L, int results, PickleLink *link);

#endif
