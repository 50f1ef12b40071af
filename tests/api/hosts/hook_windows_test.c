/* A handler of the host sets a hook, as lua.c does on Ctrl-C, at every look that gilua has at a hook and at every store of one,
 * just before and just after it: none is lost. The lua_gethook and lua_sethook of this program stand before those of Lua, and
 * raise the signal. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <signal.h>

#include "host.h"

enum { ALL_EVENTS = LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT };

typedef int (*SetHook)(lua_State *, lua_Hook, int, int);
typedef lua_Hook (*GetHook)(lua_State *);

static SetHook set_hook;
static GetHook get_hook;
static lua_State *volatile handled;
static pthread_t main_thread;
static volatile int places, place = -1; /* how many were passed; where the signal comes, -1: nowhere */

static void find_real(void) {
  *(void **)&set_hook = dlsym(RTLD_NEXT, "lua_sethook");
  *(void **)&get_hook = dlsym(RTLD_NEXT, "lua_gethook");
}

static void pass(void) {
  if (place >= 0 && pthread_equal(pthread_self(), main_thread) && places++ == place) raise(SIGUSR1);
}

lua_Hook(lua_gethook)(lua_State *L) {
  if (get_hook == NULL) find_real();
  pass();
  lua_Hook hook = get_hook(L);
  pass();
  return hook;
}

void(lua_sethook)(lua_State *L, lua_Hook f, int mask, int count) {
  if (set_hook == NULL) find_real();
  pass();
  set_hook(L, f, mask, count);
  pass();
}

static void stop(lua_State *L, lua_Debug *ar) {
  (void)ar;
  set_hook(L, NULL, 0, 0);
  luaL_error(L, "interrupted!");
}

static void on_signal(int sig) {
  (void)sig;
  set_hook(handled, stop, ALL_EVENTS, 1);
}

static const char script[] =
    "local gilua = require 'gilua'\n"
    "local th, time = gilua.threading, gilua.time\n"
    "local l = th.Lock()\n"
    "local t = th.Thread{daemon = true, target = function() for i = 1, 4 do l:acquire() l:release() end end}\n"
    "t:start()\n"
    "for i = 1, 4 do l:acquire() time.sleep(0) l:release() local x = i end\n"
    "debug.sethook(function() end, 'l') local y = 1 debug.sethook()\n"
    "local co = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end) co() co()\n"
    "gilua.gil.policy 'ticks' for i = 1, 300 do end gilua.gil.policy 'fair'\n"
    "for i = 1, 100 do end";

/* Whether the signal came, and the script was stopped for it. */
static bool stopped_at(int n, bool *came) {
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  handled = L;
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, luaopen_gilua);
  lua_setfield(L, -2, "gilua");
  lua_pop(L, 1);
  luaL_loadstring(L, script);
  places = 0;
  place = n;
  int status = lua_pcall(L, 0, 0, 0);
  place = -1;
  *came = places > n;
  bool good = *came ? status == LUA_ERRRUN && strstr(lua_tostring(L, -1), "interrupted!") != NULL : status == LUA_OK;
  if (!good) printf("# at place %d of %d: %s\n", n, places, status == LUA_OK ? "lost" : luaL_tolstring(L, -1, NULL));
  lua_close(L);
  return good;
}

static void test_every_place(void) {
  bool came = true;
  int n = 0;
  for (; came; n += n < 200 ? 1 : n / 10) { /* with hooks that poll there are thousands */
    alarm(300);
    CHECK(stopped_at(n, &came));
  }
  CHECK(n > 50);
}

int main(void) {
  main_thread = pthread_self();
  signal(SIGUSR1, on_signal);
  TEST("a hook of a host's signal handler is lost nowhere", test_every_place(););
  return check_failures != 0;
}
