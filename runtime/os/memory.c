/* Asking for huge pages, giving pages back; memfd. */
#include "runtime/os/memory.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
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

/* Whether the pages are zero now. A host's allocator may have memory that the system does not zero: what is written to the first
 * and the last page before tells. */
static bool give_back(char *start, char *end) {
  volatile char *first = start, *last = end - 1;
  *first = *last = 1;
  return madvise(start, (size_t)(end - start), MADV_DONTNEED) == 0 && *first == 0 && *last == 0;
}

void os_zero(void *block, size_t size) {
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = (uintptr_t)block;
  if (size >= LARGE) {
    int saved = errno;
    char *start = (char *)((from + page - 1) & ~(page - 1)), *end = (char *)((from + size) & ~(page - 1));
    bool zero = give_back(start, end);
    errno = saved;
    if (zero) {
      memset(block, 0, (size_t)(start - (char *)block));
      memset(end, 0, (size_t)((char *)block + size - end));
      return;
    }
  }
  memset(block, 0, size);
}

bool os_memory_granted(size_t size) {
  void *probe = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (probe == MAP_FAILED) return false;
  munmap(probe, size);
  return true;
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
