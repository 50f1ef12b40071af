/* The Lua heap's allocator: small blocks from pages of one size, without locks, because all of it happens under the
 * interpreter lock. A general malloc pays for locks as soon as a second thread exists (10–15 % of an allocating
 * program), and hands the blocks of one heap out of many arenas.
 *
 * Source of the idea: pages of one block size with a free list each, found by masking the address, as in mimalloc.
 */
#ifndef GILUA_RUNTIME_HEAP_HEAP_H
#define GILUA_RUNTIME_HEAP_HEAP_H

#include <stdbool.h>
#include <stddef.h>

/* A build that checks memory sees every block: plain malloc. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(GILUA_PLAIN_HEAP)
#define HEAP_PLAIN 1
#else
#define HEAP_PLAIN 0
#endif

typedef struct Heap Heap;

/* heap_new makes an empty heap that hands out at most limit bytes (0: no limit). Returns NULL without memory. */
Heap *heap_new(size_t limit);

/* heap_free gives everything back to the system; the Lua state that used it is closed. */
void heap_free(Heap *heap);

/* heap_alloc is a lua_Alloc; ud is the Heap. Blocks are aligned to 8 bytes, as much as Lua asks for. Needs the lock. */
void *heap_alloc(void *ud, void *block, size_t old_size, size_t new_size);

/* heap_set_limit changes the limit in bytes, 0: no limit. What is beyond it already stays. */
void heap_set_limit(Heap *heap, size_t limit);

/* heap_seal leaves all pages with blocks alone until one of their blocks is given back: new blocks go to new pages. In a
 * forked child the old ones stay shared with the parent. */
void heap_seal(Heap *heap);

/* heap_bytes is how much is handed out now. */
size_t heap_bytes(const Heap *heap);

/* heap_sane walks every page and checks its counts; slow, for tests. */
bool heap_sane(const Heap *heap);

#endif
