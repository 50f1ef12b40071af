/* gilua.h: signals of the host, and gilua_interrupt. */
#include <signal.h>

#include "host.h"

static volatile sig_atomic_t handled;
static void on_signal(int sig) { handled = sig; }

static int l_raise(lua_State *L) {
  (void)L;
  raise(SIGINT);
  return 0;
}

static void test_signals_of_the_host(void) {
  struct sigaction act = {.sa_handler = on_signal}, now;
  lua_State *L;
  sigaction(SIGINT, &act, NULL);
  sigaction(SIGUSR2, &act, NULL);
  gilua_Config config = {.signal_number = SIGUSR2};
  gilua_Runtime *rt = opened(&config);
  CHECK(sigaction(SIGINT, NULL, &now) == 0 && now.sa_handler == on_signal);
  handled = 0;
  kill(getpid(), SIGUSR2);
  CHECK(handled == SIGUSR2); /* what we did not send is passed on */
  CHECK(gilua_close(rt) == 0);
  config = (gilua_Config){.handle_sigint = 1};
  rt = opened(&config);
  CHECK(gilua_enter(rt, &L) == 0);
  lua_register(L, "ctrl_c", l_raise);
  CHECK(gilua_leave(rt, L) == 0 && fails(rt, "ctrl_c() while true do end", "interrupted by Ctrl-C"));
  CHECK(gilua_close(rt) == 0);
  CHECK(sigaction(SIGINT, NULL, &now) == 0 && now.sa_handler == on_signal);
}

static void *interrupter(void *arg) {
  Gate *g = arg;
  while (!g->go) usleep(1000);
  gilua_interrupt(g->rt);
  return NULL;
}

static void test_interrupt(void) {
  static const char *const waits[] = {"go() while true do end", "go() require'gilua.time'.sleep(1000)",
                                      "go() require'gilua.threading'.Event():wait()"};
  for (size_t i = 0; i < 3; i++) {
    Gate g = {.rt = opened(NULL)};
    pthread_t t;
    lua_State *L;
    pthread_create(&t, NULL, interrupter, &g);
    CHECK(gilua_enter(g.rt, &L) == 0);
    lua_pushlightuserdata(L, &g);
    lua_pushcclosure(L, l_go, 1);
    lua_setglobal(L, "go");
    gilua_leave(g.rt, L);
    CHECK(fails(g.rt, waits[i], "interrupted"));
    pthread_join(t, NULL);
    CHECK(gilua_close(g.rt) == 0);
  }
}

static void test_late_interrupt(void) {
  gilua_Runtime *rt = opened(NULL);
  lua_State *L;
  gilua_interrupt(rt);
  CHECK(runs(rt, "for i = 1, 100 do end"));
  CHECK(gilua_enter(rt, &L) == 0);
  gilua_interrupt(rt);
  CHECK(gilua_interrupt_thread(rt, L) == 0 && luaL_loadstring(L, "for i = 1, 100 do end") == LUA_OK);
  CHECK(gilua_call(rt, L, 0, 0) == 0 && gilua_leave(rt, L) == 0);
  CHECK(runs(rt, "require 'gilua.time'.sleep(0)") && gilua_close(rt) == 0);
}

typedef struct Victim {
  gilua_Runtime *rt;
  lua_State *_Atomic L;
  const char *code;
  _Atomic int err;
} Victim;

static void *loops(void *arg) {
  Victim *v = arg;
  lua_State *L;
  if (gilua_enter(v->rt, &L) != 0) return NULL;
  luaL_loadstring(L, v->code);
  v->L = L;
  v->err = gilua_call(v->rt, L, 0, 0);
  if (v->err != GILUA_ELUA || strstr(lua_tostring(L, -1), "interrupted") == NULL) v->err = 1;
  gilua_leave(v->rt, L);
  return NULL;
}

static void test_interrupt_of_any_thread(void) {
  static const char *const codes[] = {"while true do end", "require'gilua.time'.sleep(1000)"};
  gilua_Runtime *rt = opened(NULL);
  for (size_t i = 0; i < 2; i++) {
    Victim v = {.rt = rt, .code = codes[i]};
    pthread_t t;
    pthread_create(&t, NULL, loops, &v);
    while (v.L == NULL) usleep(1000);
    while (v.err == 0) { /* one that comes before the call is dropped */
      CHECK(gilua_interrupt_thread(rt, v.L) == 0 || v.err != 0);
      usleep(2000);
    }
    pthread_join(t, NULL);
    CHECK(v.err == GILUA_ELUA && gilua_interrupt_thread(rt, (lua_State *)&v) == GILUA_EOUTSIDE);
  }
  CHECK(runs(rt, "assert(true)") && gilua_close(rt) == 0);
}

static void test_signals_for_lua(void) {
  static const char hear[] = "n = 0 require'gilua.signal'.signal('USR1', function() n = n + 1 end)";
  struct sigaction act = {.sa_handler = on_signal}, now;
  sigaction(SIGUSR1, &act, NULL);
  gilua_Runtime *deaf = opened(NULL);
  CHECK(fails(deaf, hear, "handle_signals") && fails(deaf, "require'gilua.signal'.alarm(1)", "handle_signals"));
  CHECK(runs(deaf, "assert(require'gilua.signal'.getsignal 'USR1' == nil)"));
  gilua_Config config = {.handle_signals = 1};
  gilua_Runtime *rt = opened(&config), *second = opened(&config);
  CHECK(runs(rt, hear) && fails(second, hear, "another runtime of this process hears signals"));
  handled = 0;
  kill(getpid(), SIGUSR1); /* while nobody is inside */
  CHECK(handled == 0 && runs(rt, "for i = 1, 100 do end assert(n == 1, n)"));
  CHECK(gilua_close(rt) == 0 && sigaction(SIGUSR1, NULL, &now) == 0 && now.sa_handler == on_signal);
  CHECK(runs(second, hear) && runs(second, "require'gilua.signal'.raise_signal 'USR1' assert(n == 1)"));
  CHECK(gilua_close(second) == 0 && gilua_close(deaf) == 0);
  CHECK(sigaction(SIGUSR1, NULL, &now) == 0 && now.sa_handler == on_signal);
}

int main(void) {
  TEST("scripts hear signals if the host says so, in one runtime at a time", test_signals_for_lua(););
  TEST("an interrupt that comes when nothing runs ends nothing", test_late_interrupt(););
  TEST("a host interrupts any of its threads", test_interrupt_of_any_thread(););
  TEST("signals of the host stay the host's, SIGINT is taken and given back", test_signals_of_the_host(););
  TEST("gilua_interrupt ends loops and waits of the main thread", test_interrupt(););
  return check_failures != 0;
}
