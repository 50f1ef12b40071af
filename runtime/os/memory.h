/* Large blocks of memory. */
#ifndef GILUA_RUNTIME_OS_MEMORY_H
#define GILUA_RUNTIME_OS_MEMORY_H

#include <stddef.h>

/* os_large_block is told of a block that was allocated and will be filled whole: from some megabytes on the system is asked for
 * huge pages, as faulting the small ones in takes longer than the copy. A wish, which keeps errno. */
void os_large_block(void *block, size_t size);

#endif
