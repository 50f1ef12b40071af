/* A library that takes the preempting signal again and again: threads go on taking turns, and the host is told once
 * who took it. */
#include <signal.h>

#include "host.h"

static void of_the_library(int sig) { (void)sig; }

static atomic_bool stop;

static void *library(void *unused) {
  struct sigaction act = {.sa_handler = of_the_library, .sa_flags = SA_ONSTACK | SA_RESTART};
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, NULL);
  while (!stop) {
    sigaction(SIGURG, &act, NULL);
    usleep(200);
  }
  return unused;
}

static atomic_int told;
static char text[2000];

static void on_error(void *data, const char *message) {
  (void)data;
  if (told++ == 0) snprintf(text, sizeof text, "%s", message);
}

static void test_taken_again_and_again(void) {
  enum { ROUNDS = 60, MANY = 200 };
  gilua_Config config = {.on_error = on_error};
  gilua_Runtime *rt = opened(&config);
  gilua_Stats stats = {0};
  pthread_t t;
  CHECK(pthread_create(&t, NULL, library, NULL) == 0);
  for (int i = 0; i < ROUNDS && told == 0 && stats.signals < MANY; i++)
    CHECK(runs(rt, two_spinners) && gilua_stats(rt, &stats) == 0);
  if (told == 0) printf("# %d signals\n", (int)stats.signals);
  CHECK(told == 1 || stats.signals < MANY); /* where a hook polls anyway hardly anybody is asked */
  for (int i = 0; i < 3; i++) CHECK(runs(rt, two_spinners));
  CHECK(told <= 1 && (told == 0 || (strstr(text, "SIGURG") != NULL && strstr(text, "was taken again and again by") != NULL)));
  stop = true;
  pthread_join(t, NULL);
  CHECK(gilua_close(rt) == 0);
}

/* C code that blocks the signal in its thread: a wait opens it again. */
static int l_block(lua_State *L) {
  sigset_t all;
  (void)L;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, NULL);
  return 0;
}

static void test_blocked_in_a_thread(void) {
  gilua_Runtime *rt = opened(NULL);
  lua_State *L;
  CHECK(gilua_enter(rt, &L) == 0);
  lua_register(L, "block", l_block);
  CHECK(gilua_leave(rt, L) == 0);
  CHECK(runs(rt, "local th, time = require 'gilua.threading', require 'gilua.time'\n"
                 "local asked, stop = false, false\n"
                 "local other = th.start(function() while not stop do time.sleep(0.001) asked = true end end)\n"
                 "local t = th.start(function() block()\n"
                 "  local t0 = os.clock() while os.clock() - t0 < 0.1 do end\n" /* asked meanwhile, in vain */
                 "  time.sleep(0.001) asked = false while not asked do end end)\n"
                 "t:join() stop = true other:join()"));
  CHECK(gilua_close(rt) == 0);
}

static volatile sig_atomic_t heard;
static void of_the_host(int sig) {
  (void)sig;
  heard++;
}

static bool is_pending(void) {
  sigset_t set;
  return sigpending(&set) == 0 && sigismember(&set, SIGURG);
}

/* Returns whether the host heard the one that it sent while ours was on its way; true, too, if none of ours came. */
static int l_send_amid(lua_State *L) {
  sigset_t urgent;
  sigemptyset(&urgent);
  sigaddset(&urgent, SIGURG);
  pthread_sigmask(SIG_BLOCK, &urgent, NULL);
  for (int i = 0; i < 2000 && !is_pending(); i++) usleep(1000);
  bool asked = is_pending();
  int before = heard;
  pthread_kill(pthread_self(), SIGURG); /* the kernel keeps one of the two */
  pthread_sigmask(SIG_UNBLOCK, &urgent, NULL);
  lua_pushboolean(L, !asked || heard > before);
  return 1;
}

static void test_merged(void) {
  signal(SIGURG, of_the_host);
  gilua_Runtime *rt = opened(NULL);
  lua_State *L;
  CHECK(gilua_enter(rt, &L) == 0);
  lua_register(L, "send_amid", l_send_amid);
  CHECK(gilua_leave(rt, L) == 0);
  CHECK(runs(rt, "local th = require 'gilua.threading'\n"
                 "local stop, n = false, 0\n"
                 "local other = th.start(function() while not stop do n = n + 1 end end)\n"
                 "while n == 0 do end\n"
                 "local ok = send_amid() stop = true other:join() assert(ok, 'lost')"));
  CHECK(gilua_close(rt) == 0);
}

int main(void) {
  TEST("a SIGURG that a library sends itself while ours is on its way is heard by it", test_merged(););
  TEST("a library that takes the signal again and again is named, and count hooks preempt", test_taken_again_and_again(););
  TEST("a signal that C code has blocked is open again after the next wait", test_blocked_in_a_thread(););
  return check_failures != 0;
}
