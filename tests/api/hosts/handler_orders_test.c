/* A host that sets, replaces, forwards, restores and blocks handlers of the signal that preempts, in every order, and opens a
 * second runtime meanwhile: threads go on taking turns, and what the host sends itself reaches its own handler once. */
#include <errno.h>
#include <signal.h>

#include "host.h"

enum { SIGNAL = SIGUSR2, STEPS = 5 };

static volatile sig_atomic_t plain_calls, forwarding_calls;
static struct sigaction before_forwarding, before_plain;

static void plain(int sig) {
  (void)sig;
  plain_calls++;
}

static void forwarding(int sig, siginfo_t *info, void *context) {
  forwarding_calls++;
  if ((before_forwarding.sa_flags & SA_SIGINFO) != 0) before_forwarding.sa_sigaction(sig, info, context);
  else if (before_forwarding.sa_handler != SIG_DFL && before_forwarding.sa_handler != SIG_IGN)
    before_forwarding.sa_handler(sig);
}

typedef struct World {
  gilua_Runtime *first, *second;
  volatile sig_atomic_t *top; /* what counts the host's own signals now; NULL: it has set nothing yet, or has taken it back */
} World;

static const char turns[] =
    "local th, time = require 'gilua.threading', require 'gilua.time'\n"
    "local stop, n = false, {0, 0}\n"
    "local function spin(i) while not stop do n[i] = n[i] + 1 end end\n"
    "local a, b = th.start(spin, 1), th.start(spin, 2)\n"
    "while n[1] == 0 or n[2] == 0 do time.sleep(0.0001) end\n"
    "stop = true a:join() b:join()";

static void set_plain(World *w) {
  struct sigaction act = {.sa_handler = plain};
  sigaction(SIGNAL, &act, &before_plain);
  w->top = &plain_calls;
}

static void set_forwarding(World *w) {
  struct sigaction act = {.sa_sigaction = forwarding, .sa_flags = SA_SIGINFO | SA_RESTART}, now;
  sigaction(SIGNAL, NULL, &now);
  if (now.sa_sigaction != forwarding) before_forwarding = now;
  sigaction(SIGNAL, &act, NULL);
  w->top = &forwarding_calls;
}

/* To whatever stood there when the plain handler was set; the default action would end the process. */
static void restore(World *w) {
  bool is_default = (before_plain.sa_flags & SA_SIGINFO) == 0 && before_plain.sa_handler == SIG_DFL;
  if (!is_default) sigaction(SIGNAL, &before_plain, NULL);
  if (!is_default) w->top = NULL;
}

static void block(World *w) {
  sigset_t set;
  (void)w;
  sigemptyset(&set);
  sigaddset(&set, SIGNAL);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static void toggle_second(World *w) {
  gilua_Config config = {.signal_number = SIGNAL, .switch_interval_ns = 1000000};
  if (w->second != NULL) {
    CHECK(gilua_close(w->second) == 0);
    w->second = NULL;
  } else {
    w->second = opened(&config);
    CHECK(w->second != NULL);
  }
}

static void (*const steps[STEPS])(World *w) = {set_plain, set_forwarding, restore, block, toggle_second};

static void sends_itself(const World *w) {
  sigset_t set;
  if (w->top == NULL) return;
  sigemptyset(&set);
  sigaddset(&set, SIGNAL);
  pthread_sigmask(SIG_UNBLOCK, &set, NULL);
  int before = *w->top;
  CHECK(raise(SIGNAL) == 0 && *w->top == before + 1);
}

static void look(const World *w) {
  CHECK(runs(w->first, turns));
  if (w->second != NULL) CHECK(runs(w->second, turns));
  sends_itself(w);
}

/* The steps in this order; the runtime opens before step `open_at`. */
static void go_through(const int *order, int open_at) {
  gilua_Config config = {.signal_number = SIGNAL, .switch_interval_ns = 1000000};
  World w = {0};
  signal(SIGNAL, SIG_IGN);
  for (int i = 0; i < STEPS; i++) {
    if (i == open_at) w.first = opened(&config);
    steps[order[i]](&w);
    if (i == open_at || i == STEPS - 1) look(&w);
  }
  if (w.second != NULL) toggle_second(&w);
  CHECK(gilua_close(w.first) == 0);
  sends_itself(&w);
}

static void permute(int *order, int n, int *count) {
  if (n == STEPS) {
    alarm(300);
    go_through(order, *count % 3);
    ++*count;
    return;
  }
  for (int i = n; i < STEPS; i++) {
    int chosen = order[i];
    order[i] = order[n];
    order[n] = chosen;
    permute(order, n + 1, count);
    order[n] = order[i];
    order[i] = chosen;
  }
}

static void test_every_order(void) {
  int order[STEPS] = {0, 1, 2, 3, 4}, count = 0;
  permute(order, 0, &count);
  CHECK(count == 120);
}

static volatile sig_atomic_t hosts_own;
static struct sigaction before_own;
static void own(int sig) {
  (void)sig;
  hosts_own++;
}

static void own_forwarding(int sig, siginfo_t *info, void *context) {
  hosts_own++;
  if ((before_own.sa_flags & SA_SIGINFO) != 0) before_own.sa_sigaction(sig, info, context);
  else if (before_own.sa_handler != SIG_DFL && before_own.sa_handler != SIG_IGN) before_own.sa_handler(sig);
}

static int l_ctrl_c(lua_State *L) {
  (void)L;
  raise(SIGINT);
  return 0;
}

static void test_sigint_replaced_meanwhile(void) {
  gilua_Config config = {.handle_sigint = 1};
  struct sigaction act = {.sa_handler = own}, now;
  signal(SIGINT, SIG_DFL);
  gilua_Runtime *rt = opened(&config);
  sigaction(SIGINT, &act, NULL);
  CHECK(gilua_close(rt) == 0);
  CHECK(sigaction(SIGINT, NULL, &now) == 0 && now.sa_handler == own); /* what came after us is not ours to take away */
}

static void test_sigint_forwarded(void) {
  gilua_Config config = {.handle_sigint = 1};
  struct sigaction act = {.sa_sigaction = own_forwarding, .sa_flags = SA_SIGINFO};
  lua_State *L;
  signal(SIGINT, SIG_DFL);
  gilua_Runtime *rt = opened(&config);
  sigaction(SIGINT, &act, &before_own);
  CHECK(gilua_enter(rt, &L) == 0);
  lua_register(L, "ctrl_c", l_ctrl_c);
  CHECK(gilua_leave(rt, L) == 0);
  hosts_own = 0;
  CHECK(fails(rt, "ctrl_c() while true do end", "interrupted by Ctrl-C") && hosts_own == 1);
  CHECK(gilua_close(rt) == 0);
  raise(SIGINT); /* no runtime waits for it any more: it is the host's alone */
  CHECK(hosts_own == 2);
  signal(SIGINT, SIG_DFL);
}

int main(void) {
  TEST("handlers of the preempting signal come and go in every order", test_every_order(););
  TEST("closing leaves a SIGINT handler alone that the host has set since", test_sigint_replaced_meanwhile(););
  TEST("a host that forwards SIGINT to a runtime that is closed is not ended", test_sigint_forwarded(););
  return check_failures != 0;
}
