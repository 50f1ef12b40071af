/* Asking for huge pages; memfd. */
#include "runtime/os/memory.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "runtime/os/descriptors.h"

enum { HUGE = 2 << 20, LARGE = 2 * HUGE };

void os_large_block(void *block, size_t size) {
  if (block == NULL || size < LARGE) return;
  uintptr_t start = ((uintptr_t)block + HUGE - 1) & ~(uintptr_t)(HUGE - 1), end = ((uintptr_t)block + size) & ~(uintptr_t)(HUGE - 1);
  int saved = errno;
  madvise((void *)start, end - start, MADV_HUGEPAGE);
  errno = saved;
}

int os_memory_file(const char *name, size_t size) {
  struct rlimit files;
  if (size > INT64_MAX || (getrlimit(RLIMIT_FSIZE, &files) == 0 && files.rlim_cur < size)) {
    errno = EFBIG;
    return -1;
  }
  int fd = os_above_standard(memfd_create(name, MFD_CLOEXEC));
  if (fd < 0 || ftruncate(fd, (off_t)size) == 0) return fd;
  int err = errno;
  close(fd);
  errno = err;
  return -1;
}
