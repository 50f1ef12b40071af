/* Objects that say by __reduce how they are sent. */
#ifndef GILUA_POOL_PICKLE_WRITE_REDUCE_H
#define GILUA_POOL_PICKLE_WRITE_REDUCE_H

#include "pool/pickle/writer.h"

/* writer_has_reduce: the metatable of the object below is on top; true: its __reduce takes its place, else it is
 * popped. Raises for an object with an end. writer_reduce calls it, and makes a frame of what it returns, or has the
 * walk begin again. */
bool writer_has_reduce(Writer *w);
void writer_reduce(Writer *w, size_t at);

/* Before and after a walk in which __reduce is called: PICKLE_SHARES. */
void writer_begin_shares(Writer *w);
void writer_end_shares(Writer *w);

#endif
