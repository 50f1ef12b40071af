/* The release is written in the text lua_ident, which the library exports but lua.h does not declare. */
#include "runtime/state/release.h"

#include <stdlib.h>
#include <string.h>

extern const char lua_ident[] __attribute__((weak));

enum { LATEST = 50499 };

int release_number(void) {
  static const char prefix[] = "Lua 5.4.";
  if (lua_ident == NULL) return LATEST;
  const char *at = strstr(lua_ident, prefix);
  return at != NULL ? 50400 + atoi(at + strlen(prefix)) : LATEST;
}
