/* Asking for huge pages. */
#include "runtime/os/memory.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>

enum { HUGE = 2 << 20, LARGE = 2 * HUGE };

void os_large_block(void *block, size_t size) {
  if (block == NULL || size < LARGE) return;
  uintptr_t start = ((uintptr_t)block + HUGE - 1) & ~(uintptr_t)(HUGE - 1), end = ((uintptr_t)block + size) & ~(uintptr_t)(HUGE - 1);
  int saved = errno;
  madvise((void *)start, end - start, MADV_HUGEPAGE);
  errno = saved;
}
