/* How a typed array whose memory is not shared is sent: as a copy, and those of one message that overlap as one memory. */
#ifndef GILUA_POOL_MULTIPROCESSING_BUFFER_REDUCE_H
#define GILUA_POOL_MULTIPROCESSING_BUFFER_REDUCE_H

#include <lua.h>

#include "runtime/native/buffer.h"

/* buffer_reduce pushes what __reduce returns for the buffer b at index 1, which begins at element `first` of its root, and returns
 * how many; at index 2 is the message's table (PICKLE_SHARES), or nothing. buffer_reduce_register makes its constructors known. */
int buffer_reduce(lua_State *L, Buffer *b, Buffer *root, size_t first);
void buffer_reduce_register(lua_State *L);

#endif
