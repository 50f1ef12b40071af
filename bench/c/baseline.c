/* What the bars are compared with in C, and what has no Lua in it. usage: baseline CASE N
 *   create_join   pthread_create and pthread_join of a thread that does nothing
 *   semaphores    two threads take turns through two sem_t; N turns
 *   processes     two processes take turns through two sem_t in shared memory; N round trips
 *   leave_take    the interpreter lock left and retaken, nobody waiting
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/gil/gil.h"
#include "runtime/os/os.h"

static void emit(const char *name, long n, int64_t ns) {
  printf("{\"bench\":\"%s\",\"n\":%ld,\"seconds\":%.6f,\"per_op_ns\":%.3f}\n", name, n, (double)ns / 1e9,
         (double)ns / (double)n);
}

static void *nothing(void *arg) { return arg; }

static void create_join(long n) {
  int64_t start = clock_ns();
  for (long i = 0; i < n; i++) {
    pthread_t t;
    if (pthread_create(&t, NULL, nothing, NULL) != 0) abort();
    pthread_join(t, NULL);
  }
  emit("create_join", n, clock_ns() - start);
}

typedef struct Table {
  sem_t ping, pong;
  long n;
} Table;

static void *partner(void *arg) {
  Table *t = arg;
  for (long i = 0; i < t->n / 2; i++) {
    sem_wait(&t->ping);
    sem_post(&t->pong);
  }
  return NULL;
}

static void semaphores(long n) {
  Table t = {.n = n};
  pthread_t other;
  sem_init(&t.ping, 0, 0);
  sem_init(&t.pong, 0, 0);
  if (pthread_create(&other, NULL, partner, &t) != 0) abort();
  int64_t start = clock_ns();
  for (long i = 0; i < n / 2; i++) {
    sem_post(&t.ping);
    sem_wait(&t.pong);
  }
  emit("semaphores", n, clock_ns() - start);
  pthread_join(other, NULL);
}

static void processes(long n) {
  Table *t = mmap(NULL, sizeof *t, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (t == MAP_FAILED) abort();
  t->n = 2 * n;
  sem_init(&t->ping, 1, 0);
  sem_init(&t->pong, 1, 0);
  pid_t other = fork();
  if (other < 0) abort();
  if (other == 0) {
    partner(t);
    _exit(0);
  }
  int64_t start = clock_ns();
  for (long i = 0; i < n; i++) {
    sem_post(&t->ping);
    sem_wait(&t->pong);
  }
  emit("processes", n, clock_ns() - start);
  waitpid(other, NULL, 0);
}

static void leave_take(long n) {
  Gil g;
  GilThread t;
  if (gil_init(&g) != 0) abort();
  gil_thread_init(&t, &g, NULL);
  t.tid = os_tid();
  gil_take(&t);
  int64_t start = clock_ns();
  for (long i = 0; i < n; i++) {
    gil_leave(&t);
    gil_take(&t);
  }
  emit("leave_take", n, clock_ns() - start);
}

int main(int argc, char **argv) {
  long n = argc > 2 ? strtol(argv[2], NULL, 10) : 10000;
  const char *name = argc > 1 ? argv[1] : "";
  if (strcmp(name, "create_join") == 0) create_join(n);
  else if (strcmp(name, "semaphores") == 0) semaphores(n);
  else if (strcmp(name, "processes") == 0) processes(n);
  else if (strcmp(name, "leave_take") == 0) leave_take(n);
  else return fputs("usage: baseline create_join|semaphores|processes|leave_take N\n", stderr), 2;
  return 0;
}
