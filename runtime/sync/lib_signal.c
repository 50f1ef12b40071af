/* gilua.signal: signals that the program hears.
 *
 *   signal.signal(name, f | "default" | "ignore") -> what was there before     main thread only
 *   signal.getsignal(name) -> f, "default", "ignore", or nil: somebody else's C code
 *   signal.wait(names [, timeout]) -> name, or nil, "timeout"                  a name or a list of names
 *   signal.pause([timeout]) -> true when a handler was called, or false
 *   signal.raise_signal(name)                                                  to this process
 *   signal.kill(pid, name) -> true, or nil, message, errno                     0 as the name looks whether pid is there
 *   signal.alarm(seconds) -> seconds that were left of the last one            SIGALRM then; 0: never
 *   signal.names() -> the names that can be handled, by number
 *
 * name is "SIGTERM", "TERM" or a number. f(name) runs in the main thread, at its next VM instruction or amid its wait,
 * which then goes on until its own deadline; what f raises is raised there. Native work is not interrupted: f runs when
 * it has ended. Handlers of several signals may run amid each other, one signal's never amid itself: it is called again
 * afterwards. Each signal that the system delivers is one call. SIGINT's default is Ctrl-C as the program has it.
 * Processes and workers start with the defaults.
 *
 * wait, in any thread, takes a signal without calling its handler; from its begin to its end the names are heard, then
 * what was set counts again.
 */
#include <errno.h>
#include <lauxlib.h>
#include <limits.h>
#include <math.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "runtime/os/signames.h"
#include "runtime/state/request.h"
#include "runtime/state/text.h"
#include "runtime/sync/deadlock.h"
#include "runtime/sync/lib_sync.h"
#include "runtime/sync/park.h"
#include "runtime/sync/serve.h"

/* The number of the signal at index i, checked. zero: 0 is one, too. */
static int check_signal(lua_State *L, int i, int arg, bool zero) {
  char room[SIGNAME_ROOM];
  if (lua_type(L, i) == LUA_TNUMBER) {
    int exact;
    lua_Integer n = lua_tointegerx(L, i, &exact);
    if (exact && ((zero && n == 0) || (n > 0 && n < NSIG && signal_name((int)n, room) != NULL))) return (int)n;
    lua_pushfstring(L, "no signal has the number %s", luaL_tolstring(L, i, NULL));
  } else if (lua_type(L, i) == LUA_TSTRING) {
    int sig = text_whole(L, i) != NULL ? signal_number(lua_tostring(L, i)) : 0;
    if (sig != 0) return sig;
    lua_pushfstring(L, "unknown signal '%s'", lua_tostring(L, i));
  } else {
    lua_pushfstring(L, "name or number of a signal expected, got %s", luaL_typename(L, i));
  }
  return luaL_argerror(L, arg, lua_tostring(L, -1));
}

/* What is wrong with handling sig, or NULL. */
static const char *fault_of(const Runtime *rt, int sig) {
  static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};
  if (sig == SIGKILL || sig == SIGSTOP) return "cannot be handled";
  if (sig == rt->signal && rt->preempt == PREEMPT_SIGNAL) return "belongs to gilua, which preempts threads by it";
  for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
    if (sig == faults[i]) return "means a fault of the process, and cannot be handled in Lua";
  return NULL;
}

static int check_handled(lua_State *L, const Runtime *rt, int i, int arg) {
  char room[SIGNAME_ROOM];
  int sig = check_signal(L, i, arg, false);
  const char *fault = fault_of(rt, sig);
  if (fault != NULL) luaL_argerror(L, arg, lua_pushfstring(L, "%s %s", signal_name(sig, room), fault));
  return sig;
}

static void check_may_hear(lua_State *L, const Runtime *rt) {
  if (!rt->may_hear) luaL_error(L, "signals are the host's here: it opened this runtime without handle_signals");
}

static Hearing *open_hearing(lua_State *L, Runtime *rt) {
  check_may_hear(L, rt);
  int err = hear_open(rt, serve_signals);
  if (err == EBUSY) luaL_error(L, "another runtime of this process hears signals");
  if (err != 0) luaL_error(L, "cannot hear signals: %s", strerror(err));
  return rt->hearing;
}

/* Changes what is heard, as `action` or the count of waits says; a signal that Lua hears may end any wait. */
static int update(Tstate *ts, int sig, HearAction action, int waits) {
  Hearing *h = ts->rt->hearing;
  bool before = hear_is_ours(h, sig);
  h->action[sig] = action;
  h->waited[sig] += (unsigned)waits;
  int now = hear_is_ours(h, sig);
  if (now != before) deadlock_external(ts, now - before);
  return hear_update(ts->rt, sig);
}

static const char *const action_names[] = {"default", "default", "ignore"};

/* Pushes what getsignal says. */
static void push_action(lua_State *L, const Runtime *rt, int sig) {
  struct sigaction act;
  const Hearing *h = rt->hearing;
  HearAction action = h != NULL ? h->action[sig] : HEAR_NOT;
  if (action == HEAR_CALL) {
    luaL_getsubtable(L, LUA_REGISTRYINDEX, SERVE_HANDLERS);
    lua_rawgeti(L, -1, sig);
    lua_remove(L, -2);
    return;
  }
  if (action == HEAR_NOT && h != NULL && h->touched[sig]) act = h->before[sig];
  else if (sigaction(sig, NULL, &act) != 0) act = (struct sigaction){.sa_handler = SIG_DFL};
  bool plain = (act.sa_flags & SA_SIGINFO) == 0;
  if (action == HEAR_NOT && plain && act.sa_handler == SIG_IGN) lua_pushliteral(L, "ignore");
  else if (action != HEAR_NOT || sig == SIGINT || sig == SIGQUIT || (plain && act.sa_handler == SIG_DFL))
    lua_pushstring(L, action_names[action]);
  else lua_pushnil(L);
}

static int signal_getsignal(lua_State *L) {
  push_action(L, park_self(L)->rt, check_signal(L, 1, 1, false));
  return 1;
}

static HearAction check_action(lua_State *L, int i) {
  if (lua_type(L, i) == LUA_TFUNCTION) return HEAR_CALL;
  if (text_is(L, i, "default")) return HEAR_DEFAULT;
  if (text_is(L, i, "ignore")) return HEAR_IGNORE;
  return (HearAction)luaL_argerror(L, i, "a function, \"default\" or \"ignore\" expected");
}

static int signal_signal(lua_State *L) {
  Tstate *ts = park_self(L);
  char room[SIGNAME_ROOM];
  int sig = check_handled(L, ts->rt, 1, 1);
  HearAction action = check_action(L, 2);
  if (ts != ts->rt->main) return luaL_error(L, "signal.signal may be called in the main thread only");
  Hearing *h = open_hearing(L, ts->rt);
  HearAction was = h->action[sig];
  push_action(L, ts->rt, sig);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, SERVE_HANDLERS);
  if (action == HEAR_CALL) lua_pushvalue(L, 2);
  else lua_pushnil(L);
  lua_rawseti(L, -2, sig);
  int err = update(ts, sig, action, 0);
  if (err != 0) {
    update(ts, sig, was, 0);
    return luaL_error(L, "cannot change %s: %s", signal_name(sig, room), strerror(err));
  }
  lua_pop(L, 1);
  return 1;
}

/* The names at index 1, a list or one, as a mask. */
static uint64_t check_names(lua_State *L, const Runtime *rt) {
  uint64_t mask = 0;
  if (lua_type(L, 1) != LUA_TTABLE) return serve_bit(check_handled(L, rt, 1, 1));
  lua_Integer n = luaL_len(L, 1);
  for (lua_Integer i = 1; i <= n; i++) {
    lua_geti(L, 1, i);
    mask |= serve_bit(check_handled(L, rt, -1, 1));
    lua_settop(L, 2);
  }
  luaL_argcheck(L, mask != 0, 1, "the list names no signal");
  return mask;
}

static int take_any(Hearing *h, uint64_t mask) {
  for (int sig = 1; sig < NSIG; sig++)
    if ((mask & serve_bit(sig)) != 0 && hear_take(h, sig)) return sig;
  return 0;
}

/* Returns the number of an error. */
static int listen(Tstate *ts, uint64_t mask, int waits) {
  Hearing *h = ts->rt->hearing;
  int err = 0;
  for (int sig = 1; sig < NSIG; sig++) {
    if ((mask & serve_bit(sig)) == 0) continue;
    int e = update(ts, sig, h->action[sig], waits);
    if (e != 0) err = e;
  }
  return err;
}

static void put_back(Tstate *ts, int sig) {
  atomic_fetch_add(&ts->rt->hearing->heard[sig], 1);
  gil_request(&ts->gil, &ts->rt->main->gil, REQUEST_SIGNAL);
}

/* Waits without raising; *sig is the signal, or 0. */
static ParkResult await(Tstate *ts, const uint64_t *mask, int64_t deadline, bool poll, int *sig) {
  Hearing *h = ts->rt->hearing;
  *sig = take_any(h, *mask);
  if (*sig != 0) return PARK_GRANTED;
  if (poll) return PARK_TIMEOUT;
  return park(ts, &h->takers, deadline, "signal", mask);
}

static int signal_wait(lua_State *L) {
  Tstate *ts = park_self(L);
  char room[SIGNAME_ROOM];
  bool poll;
  lua_settop(L, 2);
  int64_t deadline = park_timeout(L, 2, &poll);
  uint64_t mask = check_names(L, ts->rt);
  Hearing *h = open_hearing(L, ts->rt);
  int sig = 0, err = listen(ts, mask, 1);
  ParkResult result = err == 0 ? await(ts, &mask, deadline, poll, &sig) : PARK_TIMEOUT;
  if (result == PARK_GRANTED && sig == 0) sig = ts->wait.outcome;
  listen(ts, mask, -1);
  if (err != 0) return luaL_error(L, "cannot wait for these signals: %s", strerror(err));
  if (result == PARK_TIMEOUT && (sig = take_any(h, mask)) != 0) result = PARK_GRANTED; /* it came at the last moment */
  if (result == PARK_GRANTED && park_leaves(ts)) {
    put_back(ts, sig);
    result = PARK_REQUESTED;
  }
  if (park_check(L, ts, result)) {
    lua_pushstring(L, signal_name(sig, room));
    return 1;
  }
  lua_pushnil(L);
  lua_pushliteral(L, "timeout");
  return 2;
}

static int signal_pause(lua_State *L) {
  Tstate *ts = park_self(L);
  bool poll;
  int64_t deadline = park_timeout(L, 1, &poll);
  Hearing *h = open_hearing(L, ts->rt);
  deadlock_external(ts, 1); /* a signal may also end the process */
  ParkResult result = park(ts, &h->pausers, poll ? 0 : deadline, "pause", NULL);
  deadlock_external(ts, -1);
  lua_pushboolean(L, park_check(L, ts, result));
  return 1;
}

/* A signal for this process was sent by ts: in the main thread its handler runs at once. */
static void heard(lua_State *L, Tstate *ts) {
  if (request_stops(ts)) request_raise(L, ts);
}

static int signal_raise_signal(lua_State *L) {
  Tstate *ts = park_self(L);
  int sig = check_signal(L, 1, 1, false);
  if (kill(getpid(), sig) != 0) return luaL_error(L, "cannot raise the signal: %s", strerror(errno));
  heard(L, ts);
  return 0;
}

static int signal_kill(lua_State *L) {
  Tstate *ts = park_self(L);
  lua_Integer pid = luaL_checkinteger(L, 1);
  luaL_argcheck(L, pid >= INT_MIN && pid <= INT_MAX, 1, "no process has that number");
  int sig = check_signal(L, 2, 2, true);
  if (kill((pid_t)pid, sig) != 0) return luaL_fileresult(L, 0, NULL);
  heard(L, ts);
  lua_pushboolean(L, 1);
  return 1;
}

static int signal_alarm(lua_State *L) {
  struct itimerval value, old;
  lua_Number seconds = luaL_checknumber(L, 1);
  luaL_argcheck(L, seconds >= 0 && seconds <= INT_MAX, 1, "must be from 0 to 2147483647 seconds");
  check_may_hear(L, park_self(L)->rt);
  memset(&value, 0, sizeof value);
  value.it_value.tv_sec = (time_t)seconds;
  value.it_value.tv_usec = (suseconds_t)((seconds - floor(seconds)) * 1e6);
  if (seconds > 0 && value.it_value.tv_sec == 0 && value.it_value.tv_usec == 0) value.it_value.tv_usec = 1;
  if (setitimer(ITIMER_REAL, &value, &old) != 0) return luaL_error(L, "cannot set the alarm: %s", strerror(errno));
  lua_pushnumber(L, (lua_Number)old.it_value.tv_sec + (lua_Number)old.it_value.tv_usec / 1e6);
  return 1;
}

static int signal_names(lua_State *L) {
  const Runtime *rt = park_self(L)->rt;
  char room[SIGNAME_ROOM];
  lua_Integer n = 0;
  lua_newtable(L);
  for (int sig = 1; sig < NSIG; sig++) {
    if (signal_name(sig, room) == NULL || fault_of(rt, sig) != NULL) continue;
    lua_pushstring(L, room);
    lua_rawseti(L, -2, ++n);
  }
  return 1;
}

int lib_signal_open(lua_State *L) {
  static const luaL_Reg funcs[] = {
      {"alarm", signal_alarm}, {"getsignal", signal_getsignal}, {"kill", signal_kill},     {"names", signal_names},
      {"pause", signal_pause}, {"raise_signal", signal_raise_signal}, {"signal", signal_signal}, {"wait", signal_wait},
      {NULL, NULL},
  };
  luaL_newlib(L, funcs);
  return 1;
}
