/* How each release of Lua 5.4 shows that a finalizer runs. */
#include "runtime/state/finalizer.h"

#include <string.h>

static bool in_finalizer(lua_State *L, int release) {
  int running = lua_gc(L, LUA_GCISRUNNING);
  if (running != 0 || release >= 50404) return running < 0; /* since 5.4.4 every question is refused there */
  /* before, 0 there and when the user stopped the collector: look for the frame */
  lua_Debug ar;
  for (int level = 0; lua_getstack(L, level, &ar); level++)
    if (lua_getinfo(L, "n", &ar) && strcmp(ar.namewhat, "metamethod") == 0 && strcmp(ar.name, "__gc") == 0) return true;
  return false;
}

/* One that was resumed in a finalizer has no frame of it. */
static bool interrupts_finalizer(const Tstate *ts) {
  if (in_finalizer(ts->current, ts->rt->release)) return true;
  if (ts->rt->release >= 50404) return false;
  for (const Running *r = ts->outer_running; r != NULL; r = r->outer)
    if (in_finalizer(r->L, ts->rt->release)) return true;
  return false;
}

bool waits_forbidden(const Tstate *ts) { return ts->astray || ts->serving || (!ts->rt->ending && interrupts_finalizer(ts)); }

bool lock_yield(Tstate *ts) {
  if (waits_forbidden(ts)) return false;
  gil_yield(&ts->gil);
  return true;
}
