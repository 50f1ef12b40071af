/* Where the codec gets its memory from: one function, so that tests can put one that fails in its place. */
#ifndef GILUA_POOL_PICKLE_MEMORY_H
#define GILUA_POOL_PICKLE_MEMORY_H

#include <stddef.h>

/* pickle_realloc is realloc, and free for size 0. Returns NULL without memory; the block is as it was then. */
void *pickle_realloc(void *block, size_t size);

#endif
