/* A C module as others write them, for the hazards of hooks (L6.2), of interrupted system calls
 * (L7) and of coroutines that C resumes (L16). */
#include <errno.h>
#include <lauxlib.h>
#include <lua.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MAX_LINES = 1000 };

static long events;                 /* [lock] calls of counting_hook */
static long lines[MAX_LINES];       /* [lock] line events by line */
static lua_State *volatile stopped; /* [t] main: whom the timer's handler stops, until it is */
static timer_t alarm_timer;         /* [t] main: made once */
static bool alarmed;                /* [t] main: whether it is made */

static void counting_hook(lua_State *L, lua_Debug *ar) {
  (void)L;
  events++;
  if (ar->event == LUA_HOOKLINE && ar->currentline < MAX_LINES) lines[ar->currentline]++;
}

/* hook(mask, count): as a profiler does, on the coroutine that calls */
static int l_hook(lua_State *L) {
  const char *mask = luaL_checkstring(L, 1);
  int count = (int)luaL_optinteger(L, 2, 0);
  events = 0;
  memset(lines, 0, sizeof lines);
  lua_sethook(L, counting_hook, (strchr(mask, 'l') ? LUA_MASKLINE : 0) | (count > 0 ? LUA_MASKCOUNT : 0), count);
  return 0;
}

/* unhook() -> calls of the hook so far, or nil if it is not in place: for one instruction another may be */
static int l_unhook(lua_State *L) {
  if (lua_gethook(L) != counting_hook) return luaL_pushfail(L), 1;
  lua_sethook(L, NULL, 0, 0);
  lua_pushinteger(L, events);
  return 1;
}

/* call_both(f, x, g, …): f(x), then g(…), with no instruction of Lua between */
static int l_call_both(lua_State *L) {
  int n = lua_gettop(L);
  lua_pushvalue(L, 1);
  lua_pushvalue(L, 2);
  lua_call(L, 1, 0);
  lua_call(L, n - 3, 0);
  return 0;
}

static int l_line(lua_State *L) {
  lua_Integer line = luaL_checkinteger(L, 1);
  lua_pushinteger(L, line >= 0 && line < MAX_LINES ? lines[line] : -1);
  return 1;
}

static void stopping_hook(lua_State *L, lua_Debug *ar) {
  (void)ar;
  stopped = NULL;
  lua_sethook(L, NULL, 0, 0);
  luaL_error(L, "stopped!");
}

static void on_alarm(int sig) {
  (void)sig;
  if (stopped != NULL) lua_sethook(stopped, stopping_hook, LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT, 1);
}

/* stop_after(us): a signal handler sets a hook that raises, as lua.c does on Ctrl-C, and again until it does. The signal is
 * this thread's: lua_sethook may interrupt its own thread's lua_sethook, not run beside it. */
static int l_stop_after(lua_State *L) {
  stopped = L;
  signal(SIGALRM, on_alarm);
  if (!alarmed) {
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGALRM, ._sigev_un._tid = gettid()};
    if (timer_create(CLOCK_MONOTONIC, &event, &alarm_timer) != 0) return luaL_error(L, "timer_create: %s", strerror(errno));
    alarmed = true;
  }
  struct timespec after = {.tv_nsec = (long)luaL_checkinteger(L, 1) * 1000};
  struct itimerspec times = {.it_value = after, .it_interval = after};
  timer_settime(alarm_timer, 0, &times, NULL);
  return 0;
}

/* patient_poll(ms) -> how often it was disturbed: keeps the lock, and starts anew with all of the timeout */
static int l_patient_poll(lua_State *L) {
  int ms = (int)luaL_checkinteger(L, 1);
  lua_Integer disturbed = 0;
  while (poll(NULL, 0, ms) < 0 && errno == EINTR) disturbed++;
  lua_pushinteger(L, disturbed);
  return 1;
}

/* resume(f) -> status, result: as event loops do, in a coroutine that is gone afterwards */
static int l_resume(lua_State *L) {
  int n;
  lua_settop(L, 1);
  lua_State *co = lua_newthread(L);
  lua_pushvalue(L, 1);
  lua_xmove(L, co, 1);
  lua_pushinteger(L, lua_resume(co, L, 0, &n));
  if (lua_gettop(co) == 0) lua_pushnil(co);
  lua_xmove(co, L, 1);
  return 2;
}

static lua_State *home; /* [lock] the state that loaded the module */

/* call_at_home(f) -> ok, result: calls back on the state that loaded the module, as lua-luv does */
static int l_call_at_home(lua_State *L) {
  lua_settop(L, 1);
  lua_xmove(L, home, 1);
  int status = lua_pcall(home, 0, 1, 0);
  lua_pushboolean(L, status == LUA_OK);
  lua_xmove(home, L, 1);
  return 2;
}

static volatile sig_atomic_t heard;

static void on_taken(int sig) {
  (void)sig;
  heard++;
}

/* take(sig): as libraries do that use a signal themselves, Go's runtime SIGURG */
static int l_take(lua_State *L) {
  struct sigaction act = {.sa_handler = on_taken, .sa_flags = SA_RESTART | SA_ONSTACK};
  lua_pushboolean(L, sigaction((int)luaL_checkinteger(L, 1), &act, NULL) == 0);
  return 1;
}

/* send(sig) -> whether the handler ran in this thread, to which the signal was sent */
static int l_send(lua_State *L) {
  sig_atomic_t before = heard;
  pthread_kill(pthread_self(), (int)luaL_checkinteger(L, 1));
  lua_pushboolean(L, heard > before);
  return 1;
}

/* the module's only function that others call */
int luaopen_hazard(lua_State *L);

int luaopen_hazard(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"call_both", l_call_both}, {"hook", l_hook},
      {"unhook", l_unhook},
      {"line", l_line},
      {"stop_after", l_stop_after},
      {"patient_poll", l_patient_poll},
      {"resume", l_resume},
      {"take", l_take},
      {"send", l_send},
      {"call_at_home", l_call_at_home},
      {NULL, NULL},
  };
  home = L;
  luaL_newlib(L, functions);
  return 1;
}
