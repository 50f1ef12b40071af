/* The release is written in the text lua_ident, which the library exports but lua.h does not declare. */
#include "runtime/state/release.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

extern const char lua_ident[] __attribute__((weak));

enum { LATEST = LUA_VERSION_NUM * 100 + 99 };

int release_number(void) {
  static const char prefix[] = LUA_VERSION ".";
  if (lua_ident == NULL) return LATEST;
  const char *at = strstr(lua_ident, prefix);
  return at != NULL ? LUA_VERSION_NUM * 100 + atoi(at + strlen(prefix)) : LATEST;
}

#if LUA_VERSION_NUM == 504

lua_State *release_new_state(lua_Alloc alloc, void *data) { return lua_newstate(alloc, data); }

/* lua_resetthread has a second parameter in 5.4.5 alone, and reads it; to the others it is a register they ignore. */
int release_close_thread(lua_State *co, lua_State *from) {
  int (*reset2)(lua_State *, lua_State *) = (int (*)(lua_State *, lua_State *))(void (*)(void))lua_resetthread;
  return reset2(co, from);
}

void release_collect(lua_State *L, int kibibytes) { lua_gc(L, LUA_GCSTEP, kibibytes); }

#else

lua_State *release_new_state(lua_Alloc alloc, void *data) { return lua_newstate(alloc, data, luaL_makeseed(NULL)); }

int release_close_thread(lua_State *co, lua_State *from) { return lua_closethread(co, from); }

void release_collect(lua_State *L, int kibibytes) { lua_gc(L, LUA_GCSTEP, (size_t)kibibytes << 10); }

#endif
