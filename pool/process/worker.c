/* A worker: reads tasks from its ring, runs them, writes what came of it.
 *
 * Its loop runs on a thread of its own, with a full stack and a malloc arena of its own, whatever stack the pool was made
 * on. All Lua, and the reading and writing of values, lies under lua_pcall: an error that nobody catches would jump into
 * the program that was forked. It leaves by _exit only: the program's finalizers and atexit handlers are the parent's.
 */
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "pool/futures/backend.h"
#include "pool/futures/chunk.h"
#include "pool/process/birth.h"
#include "pool/process/current.h"
#include "pool/process/flights.h"
#include "pool/process/leave.h"
#include "pool/process/result_files.h"
#include "pool/process/task_input.h"
#include "pool/process/unsendable.h"
#include "runtime/heap/heap.h"
#include "runtime/os/clock.h"
#include "runtime/os/os.h"
#include "runtime/os/stdio.h"
#include "runtime/state/call.h"
#include "runtime/state/error.h"
#include "runtime/state/hook.h"

enum {
  STACK = 8 * 1024 * 1024,
  KEPT_BUFFER = 1 << 20, /* a larger one is given back after its task */
  OOM_SCORE = 500        /* when memory ends, a worker goes before the program does */
};

typedef struct Worker {
  const Birth *birth;
  Channel channel;
  unsigned forks;        /* Runtime.forks in this process; a child that a task forked has more */
  Record task;           /* that is read or runs */
  TaskInput input;       /* its bytes, as they are read */
  unsigned char *buffer; /* its bytes */
  size_t capacity;
  Record result;
  PickleMessage message; /* the values of the result */
  ResultFiles files;     /* that they refer to */
} Worker;

/* Room for a record's bytes; false without memory. */
static bool make_room(Worker *w, size_t size) {
  if (size > w->capacity) {
    free(w->buffer);
    w->buffer = malloc(size);
    w->capacity = w->buffer != NULL ? size : 0;
  }
  return size <= w->capacity;
}

/* The bytes after the head of a record; false without memory, they are dropped then. */
static bool read_body(Worker *w, size_t size) {
  bool whole = make_room(w, size);
  channel_read(&w->channel, whole && size > 0 ? w->buffer : NULL, size);
  channel_taken(&w->channel);
  return whole;
}

static void write_result(Worker *w) {
  PickleMessage *m = &w->message;
  size_t at = 0;
  stdio_flush_free(); /* what is written is not lost when this worker is killed */
  w->result.size = pickle_message_size(m);
  w->result.extra = (uint16_t)w->files.n;
  channel_write(&w->channel, &w->result, sizeof w->result);
  for (unsigned i = 0; i < m->npieces; i++) {
    channel_write(&w->channel, m->bytes + at, m->pieces[i].at - at);
    channel_write(&w->channel, m->pieces[i].data, m->pieces[i].size);
    at = m->pieces[i].at;
  }
  channel_write(&w->channel, m->bytes + at, m->size - at);
  channel_write(&w->channel, w->files.fds, w->files.n * sizeof(int));
  channel_given(&w->channel);
  result_files_keep(&w->files, m, w->channel.results.own);
}

enum { FUNCTION = 2 };

/* The error of a Process goes to stderr, as that of a program; protected: (Worker, error). */
static int report(lua_State *L) {
  fprintf(stderr, "gilua: process %d: %s\n", (int)getpid(), error_push_report(L, 2));
  return 0;
}

/* (Worker, …): the values become the result. */
static int dump_rest(lua_State *L) {
  Worker *w = lua_touserdata(L, 1);
  pickle_dump(L, 2, lua_gettop(L) - 1, PICKLE_RESULTS, w->birth->link, &w->message);
  return 0;
}

/* Whether the n values at `first` can be sent: they are the result then, else the reason is on top. */
static bool try_dump(lua_State *L, Worker *w, int first, int n) {
  luaL_checkstack(L, n + 8, NULL);
  lua_pushcfunction(L, dump_rest);
  lua_pushlightuserdata(L, w);
  for (int k = 0; k < n; k++) lua_pushvalue(L, first + k);
  if (lua_pcall(L, n + 1, 0, 0) == LUA_OK) return true;
  pickle_message_free(L, &w->message);
  return false;
}

/* The error and its traceback on top of the stack are the result; as text, if they cannot travel. */
static void dump_error(lua_State *L, Worker *w) {
  int i = lua_gettop(L) - 1;
  w->result.kind = RECORD_ERROR;
  if (try_dump(L, w, i, 2)) return;
  unsendable_push_error(L, i);
  lua_getfield(L, -1, "traceback");
  pickle_dump(L, lua_gettop(L) - 1, 2, PICKLE_RESULTS, w->birth->link, &w->message);
}

/* Calls the function below its arguments. A request of this thread is the outcome of the task, too: nobody else is here. */
static bool call(lua_State *L, int nargs, int nresults) {
  CallResult result = call_user(L, nargs, nresults);
  if (result == CALL_REQUESTED) error_push_traceback(L, -1);
  return result == CALL_OK;
}

/* (Worker): leaves the function and, above it, its arguments; returns how many. */
static int load_call(lua_State *L, Worker *w) {
  int n = pickle_load_stream(L, w->buffer, w->task.size, w->birth->link, PICKLE_TASK_FLAGS, LUA_NOREF, &w->input.stream);
  return n > 0 ? n - 1 : luaL_error(L, "a task without a function");
}

/* One task, protected: (Worker). */
static int run_task(lua_State *L) {
  Worker *w = lua_touserdata(L, 1);
  int nargs = load_call(L, w);
  bool chunk = lua_tocfunction(L, FUNCTION) == chunk_run;
  if (!call(L, nargs, w->task.kind == RECORD_INIT ? 0 : LUA_MULTRET)) {
    dump_error(L, w);
    return 0;
  }
  int n = lua_gettop(L) - FUNCTION + 1;
  w->result.kind = RECORD_VALUES;
  if (chunk) {
    if (try_dump(L, w, FUNCTION, n)) return 0;
    unsendable_mend_chunk(L, FUNCTION, w->birth->link);
  }
  pickle_dump(L, FUNCTION, n, PICKLE_RESULTS, w->birth->link, &w->message);
  return 0;
}

/* The call of a Process, protected: (Worker). */
static int run_process(lua_State *L) {
  int nargs = load_call(L, lua_touserdata(L, 1)) - 1;
  current_take(L);
  if (call(L, nargs, 0)) return 0;
  lua_pop(L, 1);
  return lua_error(L);
}

/* What could not be read, run or written, protected: (Worker, error). The second time as text. */
static int run_failure(lua_State *L) {
  Worker *w = lua_touserdata(L, 1);
  pickle_message_free(L, &w->message);
  error_push_traceback(L, 2);
  dump_error(L, w);
  return 0;
}

static int run_failure_as_text(lua_State *L) {
  Worker *w = lua_touserdata(L, 1);
  pickle_message_free(L, &w->message);
  error_push_text(L, 2);
  lua_replace(L, 2);
  lua_pushnil(L);
  dump_error(L, w);
  return 0;
}

static bool protected(lua_State *L, Worker *w, lua_CFunction f, bool with_error) {
  lua_pushcfunction(L, f);
  lua_pushlightuserdata(L, w);
  if (with_error) lua_pushvalue(L, -3);
  return lua_pcall(L, with_error ? 2 : 1, 0, 0) == LUA_OK;
}

static void run(lua_State *L, Worker *w) {
  int base = lua_gettop(L);
  if (!protected(L, w, run_task, false) && !protected(L, w, run_failure, true) &&
      !protected(L, w, run_failure_as_text, true))
    _exit(WORKER_BROKEN); /* not even memory for a message */
  if (w->birth->rt->forks != w->forks) _exit(0); /* a child that the task forked: its parent answers */
  task_input_end(&w->input);
  lua_settop(L, base);
}

/* What the function returns goes nowhere. */
static _Noreturn void be_process(lua_State *L, Worker *w, bool whole) {
  int status = EXIT_FAILURE;
  if (!whole) fprintf(stderr, "gilua: process %d: not enough memory for the arguments\n", (int)getpid());
  else if (protected(L, w, run_process, false)) status = EXIT_SUCCESS;
  else protected(L, w, report, true);
  if (w->birth->rt->forks != w->forks) _exit(status);
  worker_leave(L, w->birth->rt, status);
}

/* Who gets the results. */
static SharedId program_of(const Worker *w) {
  SharedLife life;
  SharedId id = (SharedId)w->birth->parent;
  return shared_life(id, &life) ? life.id : id;
}

static void do_task(lua_State *L, Worker *w) {
  Slot *slot = &w->channel.shared->slots[w->task.slot % SLOTS];
  uint64_t id = w->task.id;
  result_files_forget(L, &w->files, &w->channel.results);
  int64_t began = clock_ns();
  atomic_store_explicit(&slot->began_ns, began, memory_order_relaxed);
  if (!slot_move(slot, id, SLOT_QUEUED, SLOT_BEGUN)) { /* cancelled, or taken back */
    channel_read(&w->channel, NULL, w->task.extra * sizeof(StringPlace) + w->task.size);
    channel_taken(&w->channel);
    slot_move(slot, id, SLOT_TAKEN, SLOT_FREE);
    channel_ring(&w->channel);
    return;
  }
  bool whole = make_room(w, w->task.size) && task_input_begin(&w->input, &w->channel, &w->task, w->buffer);
  if (!whole) task_input_skip(&w->input, &w->channel, &w->task);
  if (w->birth->single) be_process(L, w, whole);
  w->result = (Record){.slot = w->task.slot, .id = id};
  if (whole) {
    run(L, w);
  } else {
    lua_pushliteral(L, "not enough memory for the arguments of a task");
    protected(L, w, run_failure, true);
    lua_settop(L, 0);
  }
  w->result.ns = clock_ns() - began;
  while (!slot_move(slot, id, SLOT_BEGUN, SLOT_ENDED)) pause(); /* about to be killed */
  if (w->message.pins != 0 && w->message.pins != LUA_NOREF) flights_to_process(L, &w->message, program_of(w));
  write_result(w);
  pickle_message_free(L, &w->message);
  if (w->capacity <= KEPT_BUFFER) return;
  free(w->buffer);
  w->buffer = NULL;
  w->capacity = 0;
}

/* The loop, protected: (Worker). */
static int loop(lua_State *L) {
  Worker *w = lua_touserdata(L, 1);
  lua_settop(L, 0);
  for (;;) {
    channel_read(&w->channel, &w->task, sizeof w->task);
    switch (w->task.kind) {
      case RECORD_CALL:
      case RECORD_INIT: do_task(L, w); break;
      case RECORD_DEFINE:
        if (!read_body(w, w->task.size) || pickle_link_define(w->birth->link, w->task.id, w->buffer, w->task.size) != 0)
          _exit(WORKER_BROKEN);
        break;
      case RECORD_FORGET: pickle_link_forget(L, w->birth->link); break;
      default: _exit(WORKER_BROKEN);
    }
  }
}

static int panic(lua_State *L) {
  (void)L;
  _exit(WORKER_BROKEN);
}

/* The Lua heap knows its own size; another allocator is held by the system, at what the process has now and so much more. */
static void limit_memory(Runtime *rt, size_t limit) {
  Heap *heap = rt->heap;
  unsigned long data = 0;
  if (limit == 0) return;
  if (heap != NULL) {
    rt->memory_most = heap_bytes(heap) + limit;
    heap_set_limit(heap, rt->memory_most);
    return;
  }
  FILE *f = fopen("/proc/self/statm", "r");
  if (f == NULL) return;
  if (fscanf(f, "%*u %*u %*u %*u %*u %lu", &data) == 1) {
    size_t most = data * (size_t)sysconf(_SC_PAGESIZE) + limit;
    setrlimit(RLIMIT_DATA, &(struct rlimit){.rlim_cur = most, .rlim_max = most});
  }
  fclose(f);
}

/* Random numbers of its own, memory of its own. (Worker) */
static int settle(lua_State *L) {
  Worker *w = lua_touserdata(L, 1);
  uint64_t seed[2];
  if (!w->birth->single) {
    result_files_open(L, &w->files);
    lua_pushinteger(L, w->birth->parent);
    current_take(L);
  }
  if (getrandom(seed, sizeof seed, GRND_NONBLOCK) == sizeof seed && lua_getglobal(L, "math") == LUA_TTABLE &&
      lua_getfield(L, -1, "randomseed") == LUA_TFUNCTION) {
    lua_pushinteger(L, (lua_Integer)seed[0]);
    lua_pushinteger(L, (lua_Integer)seed[1]);
    lua_call(L, 2, 0);
  }
  Heap *heap = runtime_of(L)->heap;
  if (heap != NULL) heap_seal(heap);
  return 0;
}

static void become_process(const Birth *b) {
  int score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (score >= 0) {
    if (dprintf(score, "%d", OOM_SCORE) < 0) errno = 0; /* only a wish */
    close(score);
  }
  madvise(b->shared, shared_size(b->workers), MADV_DONTFORK); /* a task that forks makes no second writer */
}

static _Noreturn void *live(void *arg) {
  Worker *w = arg;
  lua_State *L = w->birth->L;
  sigset_t none;
  sigemptyset(&none);
  runtime_move(w->birth->rt, L);
  pthread_sigmask(SIG_SETMASK, &none, NULL);
  os_name_thread("gilua-worker");
  lua_atpanic(L, panic);
  executors_disown(L);
  pickle_link_become_worker(L, w->birth->link);
  if (!protected(L, w, settle, false)) lua_settop(L, 0);
  limit_memory(w->birth->rt, w->birth->memory_limit);
  channel_start(&w->channel);
  protected(L, w, loop, false);
  _exit(WORKER_BROKEN);
}

void worker_run(const Birth *birth, unsigned index) {
  Worker w = {.birth = birth}; /* this thread never returns */
  w.forks = birth->rt->forks;
  channel_open(&w.channel, birth, index);
  become_process(birth);
#if defined(__SANITIZE_THREAD__) /* cannot start threads in a child of a program with threads */
  live(&w);
#else
  pthread_t thread;
  pthread_attr_t attr;
  if (pthread_attr_init(&attr) != 0 || pthread_attr_setstacksize(&attr, STACK) != 0 ||
      pthread_create(&thread, &attr, live, &w) != 0)
    _exit(WORKER_BROKEN);
  for (;;) pause();
#endif
}
