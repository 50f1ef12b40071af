/* A host with threads of its own, each of which calls Lua. Between the calls they do their own work without the lock.
 *
 *   cc examples/host_threads.c $(pkg-config --cflags --libs gilua) -o host_threads && ./host_threads
 */
#include <gilua.h>
#include <pthread.h>
#include <stdio.h>

enum { THREADS = 4, MESSAGES = 1000 };

typedef struct Worker {
  gilua_Runtime *rt;
  pthread_t thread;
  int number, answers;
} Worker;

static const char script[] =
    "local seen = 0\n"
    "function on_message(worker, n)\n"
    "  seen = seen + 1\n"
    "  return n * 2\n"
    "end\n"
    "function summary() return seen end\n";

/* One message to Lua; 0 if it answered as it should. */
static int send_message(Worker *w, int n) {
  lua_State *L;
  int err = gilua_enter(w->rt, &L);
  if (err != 0) return err; /* the runtime closes: this thread has nothing more to do there */
  lua_getglobal(L, "on_message");
  lua_pushinteger(L, w->number);
  lua_pushinteger(L, n);
  err = gilua_call(w->rt, L, 2, 1);
  if (err != 0) fprintf(stderr, "%s\n", lua_tostring(L, -1));
  else if (lua_tointeger(L, -1) == 2 * n) w->answers++;
  gilua_leave(w->rt, L);
  return err;
}

static void *work(void *arg) {
  Worker *w = arg;
  for (int i = 1; i <= MESSAGES; i++)
    if (send_message(w, i) != 0) break;
  return NULL;
}

int main(void) {
  gilua_Runtime *rt;
  Worker workers[THREADS];
  int err = gilua_open(&rt, NULL), answers = 0;
  if (err == 0) err = gilua_run_string(rt, script, "=script");
  if (err != 0) return fprintf(stderr, "%s\n", gilua_strerror(err)), 1;
  for (int i = 0; i < THREADS; i++) {
    workers[i] = (Worker){.rt = rt, .number = i};
    if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0) return 1;
  }
  for (int i = 0; i < THREADS; i++) {
    pthread_join(workers[i].thread, NULL);
    answers += workers[i].answers;
  }
  printf("%d threads, %d messages, %d answers\n", THREADS, THREADS * MESSAGES, answers);
  return gilua_close(rt) != 0;
}
