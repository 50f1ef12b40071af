/* Dumps and who serves them. */
#include "runtime/trace/dump.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/os/futex.h"
#include "runtime/os/helper.h"
#include "runtime/os/os.h"
#include "runtime/os/signames.h"
#include "runtime/os/utf8.h"
#include "runtime/state/hear.h"
#include "runtime/sync/park.h"
#include "runtime/state/handlers.h"
#include "runtime/thread/thread.h"
#include "runtime/state/traceback.h"

enum { NAME_ROOM = 200, SERVER_STACK = 256 * 1024 };

/* The states of DumpServer.word, on which it sleeps.
 *   QUIET -> ASKED    the signal handler, releasing nothing: it only asks
 *   ASKED -> QUIET    the server, when the dump is written
 *   any   -> STOP     dump_stop */
enum { QUIET, ASKED, STOP };

/* The thread that serves SIGQUIT. Its state is not listed: no Lua runs on it. */
typedef struct DumpServer {
  Tstate ts;
  _Atomic uint32_t word; /* [a] relaxed: what it guards is read under the lock */
  pthread_t thread;      /* [i] */
} DumpServer;

static void print_duration(FILE *out, int64_t ns) {
  if (ns < 1000000000) fprintf(out, "%.3f ms", (double)ns / 1e6);
  else fprintf(out, "%.3f s", (double)ns / 1e9);
}

static void print_name(FILE *out, const char *before, const Tstate *ts) {
  char name[NAME_ROOM];
  fputs(before, out);
  utf8_print(out, thread_peek_name(ts, name, sizeof name), INT_MAX);
}

/* What begins with the ident of the thread that can end the wait is listed in deadlock.h. */
static const Tstate *holder_of(const Tstate *ts) {
  static const char *const known[] = {"lock", "rlock", "join", "future"};
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
    if (strcmp(ts->wait.what, known[i]) == 0) return tstate_find(ts->rt, *(const lua_Integer *)ts->wait.object);
  return NULL;
}

static void print_wait(FILE *out, const Tstate *ts) {
  const Waiter *w = &ts->wait;
  int64_t now = clock_ns();
  fputs("waits for ", out);
  utf8_print(out, ts->doing != NULL ? ts->doing : w->what, INT_MAX);
  if (w->object != NULL && ts->doing == NULL) fprintf(out, " %p", w->object); /* descriptors lie on a stack */
  const Tstate *holder = holder_of(ts);
  if (holder != NULL) print_name(out, " of ", holder);
  fputs(", for ", out);
  print_duration(out, now - w->since);
  if (w->deadline == CLOCK_NEVER) return;
  fputs(", at most ", out);
  print_duration(out, w->deadline > now ? w->deadline - now : 0);
  fputs(" more", out);
}

static void print_doing(FILE *out, const Tstate *ts) {
  fputs(": ", out);
  utf8_print(out, ts->doing, INT_MAX);
  if (ts->doing_owner == NULL) return;
  int pid = (int)(atomic_load_explicit(ts->doing_owner, memory_order_relaxed) & INT32_MAX); /* it may change at any time */
  if (pid != 0) fprintf(out, " of process %d", pid);
}

static void print_state(FILE *out, const Tstate *ts) {
  Gil *g = ts->gil.gil;
  pthread_mutex_lock(&g->m);
  bool in_line = ts->gil.place != GIL_OUT;
  uint64_t since = ts->gil.ready_since;
  pthread_mutex_unlock(&g->m);
  bool has_lock = (atomic_load_explicit(&g->word, memory_order_relaxed) & ~(uintptr_t)1) == (uintptr_t)&ts->gil;
  if (has_lock) {
    fputs("has the lock", out);
  } else if (in_line) {
    fputs("stands in line for the lock, for ", out);
    print_duration(out, (int64_t)((double)(clock_ticks(&g->clock) - since) / g->ticks_per_ns));
  } else if (ts->wait.what != NULL) {
    print_wait(out, ts);
  } else if (atomic_load_explicit(&ts->gil.tid, memory_order_relaxed) == 0) {
    fputs("is being started", out);
  } else {
    fputs(ts->doing != NULL && ts->doing_waits ? "waits without the lock" : "runs native code without the lock", out);
    if (ts->doing != NULL) print_doing(out, ts);
  }
}

/* Signal handlers run on it, amid waits or Lua code; those are below. */
static void print_handlers(FILE *out, const Tstate *ts) {
  const Hearing *h = ts == ts->rt->main ? ts->rt->hearing : NULL;
  char name[SIGNAME_ROOM];
  for (int sig = 1; h != NULL && sig < NSIG; sig++)
    if (h->running[sig]) fprintf(out, "  runs the handler of %s\n", signal_name(sig, name));
  for (const Waiter *w = ts->aside; w != NULL; w = w->outer) {
    fprintf(out, "  amid a wait for %s", w->what);
    if (w->object != NULL) fprintf(out, " %p", w->object);
    fputs(w->granted ? ", which is granted\n" : "\n", out);
  }
}

static void print_held(FILE *out, const Tstate *ts) {
  for (unsigned i = 0; i < ts->nheld && i < HELD_SHOWN; i++) {
    uintptr_t lock = (uintptr_t)ts->held[i];
    fprintf(out, "  holds %s %p\n", (lock & 1) != 0 ? "rlock" : "lock", (void *)(lock & ~(uintptr_t)1));
  }
  if (ts->nheld > HELD_SHOWN) fprintf(out, "  holds %u more locks\n", ts->nheld - HELD_SHOWN);
}

static void print_thread(FILE *out, const Tstate *ts) {
  print_name(out, "", ts);
  fprintf(out, " (ident %lld, native id %d): ", (long long)ts->ident,
          (int)atomic_load_explicit(&ts->gil.tid, memory_order_relaxed));
  print_state(out, ts);
  fputs("\n", out);
  print_handlers(out, ts);
  print_held(out, ts);
  traceback_print(out, ts->current);
  if (ts->current == ts->base) return;
  fputs("  below that coroutine:\n", out);
  traceback_print(out, ts->base);
}

void dump_print(FILE *out, const Runtime *rt) {
  fprintf(out, "gilua: %u thread%s\n", rt->nthreads, rt->nthreads == 1 ? "" : "s");
  const Tstate *last = rt->threads;
  while (last != NULL && last->next != NULL) last = last->next;
  for (const Tstate *ts = last; ts != NULL; ts = ts->prev) { /* oldest first */
    fputs("\n", out);
    print_thread(out, ts);
  }
}

static void write_all(int fd, const char *text, size_t n) {
  while (n > 0) {
    ssize_t done = write(fd, text, n);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return; /* a closed stderr is nobody's fault here */
    text += done;
    n -= (size_t)done;
  }
}

/* The text is made with the lock and written without it: a terminal may be slow. */
static void serve(DumpServer *s) {
  char *text = NULL;
  size_t n = 0;
  FILE *out = open_memstream(&text, &n);
  if (out == NULL) return;
  gil_start_nudger(s->ts.gil.gil); /* else the owner is asked by nobody */
  gil_take(&s->ts.gil);
  dump_print(out, s->ts.rt);
  gil_leave(&s->ts.gil);
  if (fclose(out) == 0) write_all(STDERR_FILENO, text, n);
  free(text);
}

static void *server_main(void *arg) {
  DumpServer *s = arg;
  os_name_thread("gilua-dump");
  atomic_store_explicit(&s->ts.gil.tid, os_tid(), memory_order_relaxed);
  for (;;) {
    uint32_t word = atomic_load_explicit(&s->word, memory_order_relaxed);
    if (word == STOP) return NULL;
    if (word == QUIET) {
      futex_wait(&s->word, QUIET, CLOCK_NEVER);
      continue;
    }
    serve(s);
    atomic_compare_exchange_strong_explicit(&s->word, &word, QUIET, memory_order_relaxed, memory_order_relaxed);
  }
}

/* In the signal handler. */
static bool ask(void *arg) {
  DumpServer *s = arg;
  uint32_t quiet = QUIET;
  if (!atomic_compare_exchange_strong_explicit(&s->word, &quiet, ASKED, memory_order_relaxed, memory_order_relaxed))
    return false;
  futex_wake(&s->word, 1);
  return true;
}

int dump_on_sigquit(Runtime *rt) {
  if (rt->dump_server != NULL) return 0;
  DumpServer *s = calloc(1, sizeof *s);
  if (s == NULL) return ENOMEM;
  gil_thread_init(&s->ts.gil, &rt->gil, NULL);
  s->ts.rt = rt;
  s->ts.base = s->ts.current = rt->spare; /* it runs nothing */
  int err = os_start_helper(&s->thread, SERVER_STACK, server_main, s);
  if (err != 0) {
    free(s);
    return err;
  }
  rt->dump_server = s;
  handlers_take_sigquit(ask, s);
  return 0;
}

void dump_stop(Runtime *rt) {
  DumpServer *s = rt->dump_server;
  if (s == NULL) return;
  handlers_take_sigquit(NULL, NULL);
  rt->dump_server = NULL;
  atomic_store_explicit(&s->word, STOP, memory_order_relaxed);
  futex_wake(&s->word, 1);
  gil_leave(&rt->main->gil);
  pthread_join(s->thread, NULL);
  gil_take(&rt->main->gil);
  free(s);
}
