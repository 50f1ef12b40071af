/* Foreign threads enter, nest, leave, interrupt and end while the runtime closes, thousands of times: every call succeeds or
 * says GILUA_ECLOSING; nothing hangs, crashes or leaks. At most 10 000 rounds.
 */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "interp/gilua.h"
#include "tests/support/stress.h"

enum { THREADS = 3 };

typedef struct Visitor {
  gilua_Runtime *rt;
  pthread_t thread;
  pthread_barrier_t *start;
  uint64_t stream;
  unsigned entered;
} Visitor;

static void use(Visitor *v, lua_State *L) {
  lua_getglobal(L, "work");
  lua_pushinteger(L, stress_random(&v->stream, 30));
  int err = gilua_call(v->rt, L, 1, 1);
  stress_check(err == GILUA_OK || err == GILUA_ELUA); /* ELUA: cancelled, because the runtime closes */
  if (err == GILUA_ELUA) stress_check(strstr(lua_tostring(L, -1), "cancelled") != NULL);
  v->entered++;
}

static int visit(Visitor *v) {
  lua_State *L, *M;
  int err = gilua_enter(v->rt, &L);
  if (err != GILUA_OK) return err;
  if (stress_random(&v->stream, 2) == 0) use(v, L);
  if (stress_random(&v->stream, 3) == 0) { /* nested: works whatever the runtime does meanwhile */
    stress_check(gilua_enter(v->rt, &M) == GILUA_OK && M == L);
    use(v, M);
    stress_check(gilua_leave(v->rt, M) == GILUA_OK);
  }
  stress_check(gilua_leave(v->rt, L) == GILUA_OK);
  return GILUA_OK;
}

static void *visitor(void *arg) {
  Visitor *v = arg;
  unsigned most = 1 + stress_random(&v->stream, 12);
  pthread_barrier_wait(v->start);
  for (unsigned i = 0; i < most; i++) { /* one that has enough ends while the runtime is open, or closing, or closed */
    int err = visit(v);
    stress_check(err == GILUA_OK || err == GILUA_ECLOSING);
    if (stress_random(&v->stream, 4) == 0) sched_yield();
    if (stress_random(&v->stream, 8) == 0 && gilua_keep(v->rt) == GILUA_OK) {
      stress_check(visit(v) == GILUA_OK); /* kept: it cannot have closed */
      gilua_drop(v->rt);
    }
  }
  return NULL;
}

static void one_round(uint64_t *stream) {
  static const gilua_Config config = {.switch_interval_ns = 20000};
  gilua_Runtime *rt;
  Visitor visitors[THREADS];
  pthread_barrier_t start;
  stress_check(gilua_open(&rt, &config) == GILUA_OK);
  stress_check(gilua_run_string(rt, "local n = 0 function work(k) for i = 1, k do n = n + 1 end return n end", NULL) == 0);
  pthread_barrier_init(&start, NULL, THREADS + 1);
  for (int i = 0; i < THREADS; i++) {
    visitors[i] = (Visitor){.rt = rt, .start = &start, .stream = (uint64_t)stress_random(stream, 1u << 30) * 2 + 1};
    stress_check(pthread_create(&visitors[i].thread, NULL, visitor, &visitors[i]) == 0);
  }
  pthread_barrier_wait(&start);
  for (uint32_t n = stress_random(stream, 2000); n > 0; n--) __asm__ volatile("" ::: "memory");
  if (stress_random(stream, 4) == 0) sched_yield();
  stress_check(gilua_close(rt) == GILUA_OK);
  lua_State *L;
  stress_check(gilua_enter(rt, &L) == GILUA_ECLOSING && L == NULL);
  stress_check(gilua_keep(rt) == GILUA_ECLOSING && gilua_close(rt) == GILUA_ECLOSING);
  for (int i = 0; i < THREADS; i++) pthread_join(visitors[i].thread, NULL);
  pthread_barrier_destroy(&start);
}

int main(int argc, char **argv) {
  long rounds = 10000, done = 0;
  stress_begin(argc, argv, 20);
  uint64_t stream = stress_seed(0);
  while (done < rounds && !stress_over()) {
    one_round(&stream);
    done++;
  }
  return stress_end("close_stress");
}
