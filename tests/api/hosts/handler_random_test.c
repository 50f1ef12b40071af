/* A host that sets, replaces, forwards, restores, ignores and blocks handlers of the signals that preempt, and opens and closes
 * runtimes, in random orders: threads go on taking turns, and what the host sends itself reaches its newest handler once, no
 * other twice. handler_random_test [SEED [ROUNDS]] */
#include <signal.h>
#include <stdint.h>
#include <time.h>

#include "host.h"

enum { HANDLERS = 4, RUNTIMES = 3, STEPS = 12, ROUNDS = 40 };

static const int signals[] = {SIGUSR1, SIGUSR2};

typedef struct Handler {
  volatile sig_atomic_t calls;
  struct sigaction before; /* what stood there when it was set */
  bool used;
} Handler;

static Handler handlers[HANDLERS]; /* the odd ones forward */

static void handle(int i, int sig, siginfo_t *info, void *context) {
  const struct sigaction *before = &handlers[i].before;
  handlers[i].calls++;
  if (i % 2 == 0) return;
  if ((before->sa_flags & SA_SIGINFO) != 0) before->sa_sigaction(sig, info, context);
  else if (before->sa_handler != SIG_DFL && before->sa_handler != SIG_IGN) before->sa_handler(sig);
}

static void handler_0(int sig, siginfo_t *info, void *context) { handle(0, sig, info, context); }
static void handler_1(int sig, siginfo_t *info, void *context) { handle(1, sig, info, context); }
static void handler_2(int sig, siginfo_t *info, void *context) { handle(2, sig, info, context); }
static void handler_3(int sig, siginfo_t *info, void *context) { handle(3, sig, info, context); }

static void (*const actions[HANDLERS])(int, siginfo_t *, void *) = {handler_0, handler_1, handler_2, handler_3};

typedef struct World {
  uint64_t stream;
  int sig;
  int top; /* whose turn it is to hear the host's own; -1: that depends */
  gilua_Runtime *rts[RUNTIMES];
} World;

static unsigned choose(World *w, unsigned n) {
  w->stream = w->stream * 6364136223846793005u + 1442695040888963407u;
  return (unsigned)(w->stream >> 33) % n;
}

static void set_handler(World *w) {
  struct sigaction now;
  int i = (int)choose(w, HANDLERS);
  struct sigaction act = {.sa_sigaction = actions[i], .sa_flags = SA_SIGINFO | (choose(w, 2) == 0 ? SA_RESTART : 0)};
  sigaction(w->sig, NULL, &now);
  if (handlers[i].used) return; /* it may be in the chain: it would forward in a circle */
  handlers[i].used = true;
  handlers[i].before = now;
  sigaction(w->sig, &act, NULL);
  w->top = i;
}

/* SIG_DFL would end the process. */
static void restore(World *w) {
  int i = w->top;
  if (i < 0) return;
  const struct sigaction *before = &handlers[i].before;
  if ((before->sa_flags & SA_SIGINFO) == 0 && before->sa_handler == SIG_DFL) return;
  sigaction(w->sig, before, NULL);
  w->top = -1;
}

static void ignore(World *w) {
  signal(w->sig, SIG_IGN);
  w->top = -1;
}

static void block(World *w) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, w->sig);
  pthread_sigmask(choose(w, 2) == 0 ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

static void toggle_runtime(World *w) {
  gilua_Runtime **rt = &w->rts[choose(w, RUNTIMES)];
  gilua_Config config = {.signal_number = w->sig, .switch_interval_ns = 1000000};
  if (*rt == NULL) {
    *rt = opened(&config);
    CHECK(*rt != NULL);
  } else {
    CHECK(gilua_close(*rt) == 0);
    *rt = NULL;
  }
}

static const char turns[] =
    "local th, time = require 'gilua.threading', require 'gilua.time'\n"
    "local stop, n = false, {0, 0}\n"
    "local function spin(i) while not stop do n[i] = n[i] + 1 end end\n"
    "local a, b = th.start(spin, 1), th.start(spin, 2)\n"
    "while n[1] == 0 or n[2] == 0 do time.sleep(0.0001) end\n"
    "stop = true a:join() b:join()";

static void take_turns(World *w) {
  for (int i = 0; i < RUNTIMES; i++)
    if (w->rts[i] != NULL) CHECK(runs(w->rts[i], turns));
}

static void send_itself(World *w) {
  sig_atomic_t before[HANDLERS];
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, w->sig);
  pthread_sigmask(SIG_UNBLOCK, &set, NULL);
  for (int i = 0; i < HANDLERS; i++) before[i] = handlers[i].calls;
  CHECK(raise(w->sig) == 0);
  for (int i = 0; i < HANDLERS; i++) CHECK(handlers[i].calls <= before[i] + 1);
  CHECK(w->top < 0 || handlers[w->top].calls == before[w->top] + 1);
}

static void (*const steps[])(World *w) = {set_handler, restore, ignore, block, toggle_runtime, toggle_runtime, take_turns, send_itself};

static void go_through(World *w) {
  alarm(300);
  w->sig = signals[choose(w, 2)];
  w->top = -1;
  signal(w->sig, SIG_IGN);
  memset(handlers, 0, sizeof handlers);
  for (int i = 0; i < STEPS; i++) steps[choose(w, sizeof steps / sizeof *steps)](w);
  take_turns(w);
  send_itself(w);
  for (int i = 0; i < RUNTIMES; i++) {
    if (w->rts[i] != NULL) CHECK(gilua_close(w->rts[i]) == 0);
    w->rts[i] = NULL;
  }
  send_itself(w);
}

static void test_random(uint64_t seed, int rounds) {
  for (int i = 0; i < rounds; i++) {
    World w = {.stream = seed + (uint64_t)i};
    printf("# seed %llu\n", (unsigned long long)w.stream);
    for (int k = 0; k < 4; k++) choose(&w, 2);
    go_through(&w);
  }
}

int main(int argc, char **argv) {
  const char *given = argc > 1 ? argv[1] : getenv("TEST_RANDOM_SEED");
  uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : 1;
  TEST("handlers of the preempting signal come and go in random orders", test_random(seed, argc > 2 ? atoi(argv[2]) : ROUNDS););
  return check_failures != 0;
}
