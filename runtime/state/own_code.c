#include "runtime/state/own_code.h"

#include <link.h>
#include <stdlib.h>
#include <unistd.h>

#include "runtime/state/once.h"

static int note_loaded(struct dl_phdr_info *info, size_t size, void *loaded) {
  (void)size;
  *(uint64_t *)loaded = info->dlpi_adds;
  return 1;
}

/* How many libraries have been loaded since the process began, those with it included. */
static uint64_t libraries_loaded(void) {
  uint64_t loaded = 0;
  dl_iterate_phdr(note_loaded, &loaded);
  return loaded;
}

void own_code_only(void) {
  bool preloaded = getenv("LD_PRELOAD") != NULL || getenv("LD_AUDIT") != NULL || access("/etc/ld.so.preload", F_OK) == 0;
  if (!preloaded) atomic_store_explicit(&once.own_libraries, libraries_loaded(), memory_order_relaxed);
}

void own_code_left(void) { atomic_store_explicit(&once.own_libraries, 0, memory_order_relaxed); }

bool own_code_still(void) {
  uint64_t own = atomic_load_explicit(&once.own_libraries, memory_order_relaxed);
  return own != 0 && own == libraries_loaded();
}
