/* Lua functions by value. */
#ifndef GILUA_POOL_PICKLE_WRITE_FUNCTION_H
#define GILUA_POOL_PICKLE_WRITE_FUNCTION_H

#include "pool/pickle/writer.h"

/* writer_function begins or writes the Lua function on top, whose tag belongs at `at`; false: it became a frame. code:
 * its own, if it was written to this link before.
 * writer_upvalue writes what comes before its i-th variable and pushes that; false: it is one that was written. */
bool writer_function(Writer *w, size_t at, PickleCode *code);
bool writer_upvalue(Writer *w, int slot, int i);

/* writer_origin returns the number of the function or metatable at index i, which goes by value in a task. */
size_t writer_origin(Writer *w, int i);

#endif
