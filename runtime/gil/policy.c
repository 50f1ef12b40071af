/* The policies by name. */
#include <stddef.h>
#include <string.h>

#include "runtime/gil/gil.h"

const Policy *policy_find(const char *name) {
  static const Policy *const all[] = {&policy_fair, &policy_interval, &policy_ticks};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
    if (strcmp(all[i]->name, name) == 0) return all[i];
  return NULL;
}
