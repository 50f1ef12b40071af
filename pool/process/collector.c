/* The collector: a thread of the engine that leads while nobody waits, makes a new zygote when one was lost, and ends
 * everything when the engine is closed. */
#include <errno.h>
#include <sys/wait.h>

#include "pool/process/internal.h"
#include "runtime/os/futex.h"
#include "runtime/os/os.h"
#include "runtime/thread/visit.h"

enum {
  TICK_NS = 1000000,
  LAZY_TICKS = 200 /* with nothing to do, before it sleeps without a timeout */
};

void engine_wake_collector(Engine *e) {
  atomic_store(&e->collector_word, 1);
  futex_wake(&e->collector_word, 1);
}

static void nap(Engine *e, int64_t until) {
  atomic_store(&e->collector_word, 0);
  pthread_mutex_unlock(&e->m);
  futex_wait(&e->collector_word, 0, until);
  pthread_mutex_lock(&e->m);
}

static void stand_in(Engine *e, uint64_t seen) {
  while (e->pending > 0 && e->leader == NULL && e->activity == seen && !e->zygote_lost) {
    if (engine_work(e)) continue;
    engine_sleep(e, engine_check_time(e, clock_ns()));
  }
}

static int fork_protected(lua_State *L) {
  Engine *e = lua_touserdata(L, 1);
  lua_pushinteger(L, zygote_fork(L, tstate_self(), e));
  return 1;
}

/* Makes a zygote, as a visitor of the runtime; 0 or an errno. Without m. */
static int fork_as_visitor(Engine *e) {
  lua_State *L;
  int err = ENOMEM;
  if (e->rt->door == NULL || visit_enter(e->rt->door, &L) != VISIT_OK) return ECANCELED;
  lua_pushcfunction(L, fork_protected);
  lua_pushlightuserdata(L, e);
  if (lua_pcall(L, 1, 1, 0) == LUA_OK) err = (int)lua_tointeger(L, -1);
  visit_leave(e->rt->door);
  return err;
}

/* Replaces a zygote that was lost; the engine breaks if that fails. With m, which it gives up meanwhile. */
static void renew(Engine *e) {
  pthread_mutex_unlock(&e->m);
  int err = fork_as_visitor(e);
  pthread_mutex_lock(&e->m);
  e->zygote_lost = err == 0 && e->socket < 0; /* the new one, too */
  if (err != 0) engine_break(e, err, NULL);
  else engine_feed(e);
  engine_kick(e); /* who leads polls the new socket */
}

/* The last act: everything is decided, or will not be. */
static void end(Engine *e) {
  pid_t zygote = e->zygote;
  e->state = ENGINE_ENDED;
  engine_hang_up(e);
  while (e->queue != NULL) {
    Task *t = e->queue;
    engine_unqueue(e, t);
    engine_decide(e, t, TASK_CANCELLED);
  }
  pthread_mutex_unlock(&e->m);
  while (zygote > 0 && waitpid(zygote, NULL, 0) < 0 && errno == EINTR) continue;
  pthread_mutex_lock(&e->m);
  e->zygote = 0;
  for (TaskWait *w = e->waits; w != NULL; w = w->next) engine_tell(e, w);
}

static void *collector_main(void *arg) {
  Engine *e = arg;
  unsigned idle = 0;
  os_name_thread("gilua-collector");
  pthread_mutex_lock(&e->m);
  while (e->state == ENGINE_OPEN || (e->state == ENGINE_CLOSING && e->pending > 0)) {
    if (e->zygote_lost) {
      renew(e);
      continue;
    }
    uint64_t seen = e->activity;
    idle = e->pending > 0 ? 0 : idle + 1;
    bool sleeps = e->state == ENGINE_OPEN && idle > LAZY_TICKS;
    e->collector_sleeps = sleeps;
    if (e->state == ENGINE_OPEN || e->leader != NULL) nap(e, sleeps ? CLOCK_NEVER : clock_ns() + TICK_NS);
    e->collector_sleeps = false;
    if (e->activity == seen || e->state != ENGINE_OPEN) stand_in(e, e->activity);
  }
  end(e);
  e->collecting = false;
  pthread_mutex_unlock(&e->m);
  engine_drop(e);
  return NULL;
}

int engine_start_collector(Engine *e) {
  pthread_t thread;
  pthread_attr_t attr;
  sigset_t old;
  int err = pthread_attr_init(&attr);
  if (err != 0) return err;
  pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
  os_block_signals(0, &old);
  atomic_fetch_add_explicit(&e->refs, 1, memory_order_relaxed);
  err = pthread_create(&thread, &attr, collector_main, e);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  pthread_attr_destroy(&attr);
  if (err != 0) engine_drop(e);
  else e->collecting = true;
  return err;
}
