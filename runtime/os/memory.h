/* Large blocks of memory, and memory that other processes can open. */
#ifndef GILUA_RUNTIME_OS_MEMORY_H
#define GILUA_RUNTIME_OS_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* os_large_block is told of a block that was allocated and will be filled whole: from some megabytes on the system is asked for
 * huge pages, as faulting the small ones in takes longer than the copy. A wish, which keeps errno. */
void os_large_block(void *block, size_t size);

/* os_zero sets size bytes of the heap to zero; of large ones the pages are given back, so that they cost what is used of them. */
void os_zero(void *block, size_t size);

/* os_memory_granted tells whether the system would give that much memory; errno says why not. A file of memory is as long as one
 * asks for, and who fills it is killed. */
bool os_memory_granted(size_t size);

/* os_memory_file makes memory of size bytes, zero, that has a descriptor: close-on-exec, above the standard ones. Returns it,
 * which the caller closes, or -1 with errno; EFBIG where the limit on the size of files (ulimit -f) is below: the system would
 * send SIGXFSZ. */
int os_memory_file(const char *name, size_t size);

#endif
