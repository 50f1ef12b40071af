/* How each release of Lua 5.4 shows that a finalizer runs. */
#include "runtime/thread/finalizer.h"

#include <string.h>

bool in_finalizer(lua_State *L) {
  int running = lua_gc(L, LUA_GCISRUNNING);
  if (running != 0) return running < 0; /* 5.4.4 and later refuse every question there: -1 */
  /* before 5.4.4, 0 there and when the user stopped the collector: look for the frame */
  lua_Debug ar;
  for (int level = 0; lua_getstack(L, level, &ar); level++)
    if (lua_getinfo(L, "n", &ar) && ar.name != NULL && strcmp(ar.name, "__gc") == 0) return true;
  return false;
}
