/* A host that sets a hook in its signal handler, as lua.c does on Ctrl-C: every wait of the main thread ends for it,
 * whenever it comes. The signal is fired at random moments around the beginning of a wait; one that is lost hangs the
 * test. */
#include <gilua.h>
#include <lauxlib.h>
#include <lualib.h>
#include <signal.h>
#include <stdbool.h>
#include <time.h>

#include "check.h"

static lua_State *volatile handled;

static void stop(lua_State *L, lua_Debug *ar) {
  (void)ar;
  lua_sethook(L, NULL, 0, 0);
  luaL_error(L, "interrupted!");
}

static void on_signal(int sig) {
  (void)sig;
  lua_sethook(handled, stop, LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT, 1);
}

/* code gives the function that waits. */
static bool every_wait_ends(const char *code, int times) {
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  luaL_requiref(L, "gilua", luaopen_gilua, 1);
  handled = L;
  signal(SIGUSR1, on_signal);
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
  timer_t timer;
  bool good = luaL_dostring(L, code) == LUA_OK && timer_create(CLOCK_MONOTONIC, &event, &timer) == 0;
  unsigned seed = 1;
  for (int i = 0; i < times && good; i++) {
    struct itimerspec when = {.it_value.tv_nsec = 1 + rand_r(&seed) % 150000};
    lua_pushvalue(L, -1);
    timer_settime(timer, 0, &when, NULL);
    good = lua_pcall(L, 0, 0, 0) == LUA_ERRRUN && strstr(lua_tostring(L, -1), "interrupted!") != NULL;
    if (!good) printf("# %d: %s\n", i, luaL_tolstring(L, -1, NULL));
    else lua_pop(L, 1);
  }
  timer_delete(timer);
  lua_close(L);
  return good;
}

static volatile sig_atomic_t passed;

static void pass(lua_State *L, lua_Debug *ar) {
  (void)ar;
  lua_sethook(L, NULL, 0, 0);
  passed++;
}

static void on_passing_signal(int sig) {
  (void)sig;
  lua_sethook(handled, pass, LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT, 1);
}

/* code waits, and tells whether it got what it waited for. */
static bool wait_goes_on(const char *code) {
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  luaL_requiref(L, "gilua", luaopen_gilua, 1);
  handled = L;
  signal(SIGUSR1, on_passing_signal);
  passed = 0;
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
  struct itimerspec when = {.it_value.tv_nsec = 50000000, .it_interval.tv_nsec = 50000000};
  timer_t timer;
  bool good = timer_create(CLOCK_MONOTONIC, &event, &timer) == 0 && timer_settime(timer, 0, &when, NULL) == 0;
  good = good && luaL_dostring(L, code) == LUA_OK && lua_toboolean(L, -1) && passed > 0;
  if (!good) printf("# %s, %d hooks\n", luaL_tolstring(L, -1, NULL), (int)passed);
  timer_delete(timer);
  lua_close(L);
  return good;
}

int main(void) {
  TEST("a lock is got though a hook came and returned", CHECK(wait_goes_on(
      "local th, t = gilua.threading, gilua.time local l, e = th.Lock(), th.Event()"
      "local holder = th.start(function() l:acquire() e:set() t.sleep(0.3) l:release() end)"
      "e:wait() return l:acquire() and not l:acquire(false)")););
  TEST("a sleep lasts as long as it should", CHECK(wait_goes_on(
      "local t = gilua.time local t0 = t.monotonic() t.sleep(0.3) return t.monotonic() - t0 >= 0.3")););
  TEST("a read from a pipe goes on", CHECK(wait_goes_on(
      "local p = io.popen('sleep 0.3; echo x') return p:read() == 'x'")););
  TEST("so does a wait for a task of a process", CHECK(wait_goes_on(
      "local pool <close> = gilua.futures.ProcessPoolExecutor{max_workers = 1}"
      "local e = pool:submit(function() require'gilua.time'.sleep(0.3) return 7 end) return e:result() == 7")););
  TEST("a wait that somebody grants", CHECK(every_wait_ends(
      "local e = gilua.threading.Event() return function() e:wait() end", 500)););
  TEST("a sleep", CHECK(every_wait_ends("local t = gilua.time return function() t.sleep(1000) end", 200)););
  TEST("a wait for the lock, beside a thread that spins", CHECK(every_wait_ends(
      "local th = gilua.threading; th.Thread{daemon = true, target = function() while true do end end}:start()"
      "local e = th.Event() return function() e:wait() end", 100)););
  TEST("native work", CHECK(every_wait_ends("local n = gilua.native return function() n.spin(1000) end", 100)););
  TEST("a task of a process", CHECK(every_wait_ends(
      "local pool = gilua.futures.ProcessPoolExecutor{max_workers = 1}"
      "local e = pool:submit(function() require'gilua.time'.sleep(10) end)"
      "return function() e:result() end", 40)););
  return check_failures != 0;
}
