/* Memory of the codec. */
#include "pool/pickle/memory.h"

#include <stdlib.h>

__attribute__((weak)) void *pickle_realloc(void *block, size_t size) {
  if (size > 0) return realloc(block, size);
  free(block);
  return NULL;
}
