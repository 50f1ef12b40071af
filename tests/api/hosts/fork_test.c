/* gilua.h: children of a fork. */
#include <sys/wait.h>

#include "host.h"

/* In a child that was forked by a thread which is not inside: the runtime is closed, nothing hangs, new ones may be
 * opened. */
static int try_in_child(gilua_Runtime *rt) {
  lua_State *L;
  gilua_Runtime *fresh;
  gilua_Stats stats;
  alarm(300);
  if (gilua_enter(rt, &L) != GILUA_ECLOSING || L != NULL || gilua_run_string(rt, "", NULL) != GILUA_ECLOSING) return 1;
  if (gilua_keep(rt) != GILUA_ECLOSING || gilua_stats(rt, &stats) != GILUA_ECLOSING) return 2;
  if (gilua_close(rt) != GILUA_ECLOSING) return 3;
  gilua_interrupt(rt);
  if (gilua_open(&fresh, NULL) != 0 || !runs(fresh, "require'gilua.threading'.start(function() end):join()")) return 4;
  return gilua_close(fresh);
}

static bool forks(gilua_Runtime *rt) {
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) _exit(try_in_child(rt));
  int status = -1;
  waitpid(pid, &status, 0);
  if (status != 0) printf("# status %x\n", (unsigned)status);
  return status == 0;
}

static void *forks_outside(void *arg) {
  Gate *g = arg;
  lua_State *L;
  g->result = forks(g->rt); /* a thread that was never inside */
  gilua_enter(g->rt, &L);
  gilua_leave(g->rt, L);
  g->result = g->result && forks(g->rt); /* one that was */
  return NULL;
}

static void test_fork_outside(void) {
  Gate g = {.rt = opened(NULL)};
  pthread_t t;
  /* It runs before the fork: AddressSanitizer's allocator, which a thread's start uses, may be locked for ever in a child. */
  CHECK(runs(g.rt, "require'gilua.threading'.Thread{daemon = true, target = function() runs = true while true do end end}"
                   ":start() while not runs do end"));
  CHECK(forks(g.rt));
  pthread_create(&t, NULL, forks_outside, &g);
  pthread_join(t, NULL);
  CHECK(g.result == 1);
  CHECK(runs(g.rt, "x = 1") && gilua_close(g.rt) == 0);
}

static void *keeps_for_ever(void *arg) {
  Gate *g = arg;
  g->result = gilua_keep(g->rt);
  g->inside = 1;
  while (!g->go) usleep(1000);
  gilua_drop(g->rt);
  return NULL;
}

/* The thread that keeps the runtime does not come along. */
static void test_fork_of_a_kept_runtime(void) {
  Gate g = {.rt = opened(NULL)};
  pthread_t t;
  lua_State *L;
  int status = -1;
  pthread_create(&t, NULL, keeps_for_ever, &g);
  while (!g.inside) usleep(1000);
  CHECK(gilua_enter(g.rt, &L) == 0 && gilua_keep(g.rt) == 0);
  fflush(stdout);
  pid_t pid = fork();
  gilua_drop(g.rt); /* once in each process */
  CHECK(gilua_leave(g.rt, L) == 0);
  if (pid == 0) {
    alarm(300);
    _exit(gilua_close(g.rt) == 0 ? 0 : 1);
  }
  waitpid(pid, &status, 0);
  g.go = 1;
  pthread_join(t, NULL);
  CHECK(status == 0 && gilua_close(g.rt) == 0);
}

int main(void) {
  TEST("closing in a child does not wait for keepers that did not come along", test_fork_of_a_kept_runtime(););
  TEST("a child that is forked from outside has closed runtimes", test_fork_outside(););
  return check_failures != 0;
}
