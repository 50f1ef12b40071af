/* The collector: a thread of the engine that leads while nobody waits, makes a new zygote when one was lost, and ends
 * everything when the engine is closed. */
#include <errno.h>
#include <sys/wait.h>

#include "pool/process/collector.h"
#include "pool/process/feed.h"
#include "pool/process/fork.h"
#include "pool/process/orders.h"
#include "pool/process/parent.h"
#include "pool/process/tasks.h"
#include "pool/process/wait.h"
#include "pool/process/wake.h"
#include "runtime/os/futex.h"
#include "runtime/os/helper.h"
#include "runtime/os/os.h"
#include "runtime/thread/visit.h"

enum {
  TICK_NS = 1000000,
  LAZY_TICKS = 200 /* with nothing to do, before it sleeps without a timeout */
};

static void nap(Engine *e, int64_t until) {
  atomic_store(&e->collector.word, 0);
  pthread_mutex_unlock(&e->m);
  futex_wait(&e->collector.word, 0, until);
  pthread_mutex_lock(&e->m);
}

static void stand_in(Engine *e, uint64_t seen) {
  while (e->pending > 0 && e->waits.leader == NULL && e->activity == seen && !e->zygote.lost) {
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
  e->zygote.lost = err == 0 && e->zygote.socket < 0; /* the new one, too */
  if (err != 0) engine_break(e, err, NULL);
  else engine_feed(e);
  engine_kick(e); /* who leads polls the new socket */
}

/* The last act: everything is decided, or will not be. */
static void end(Engine *e) {
  pid_t zygote = e->zygote.pid;
  e->state = ENGINE_ENDED;
  engine_hang_up(e);
  while (e->queue.first != NULL) {
    Task *t = e->queue.first;
    engine_unqueue(e, t);
    engine_decide(e, t, TASK_CANCELLED);
  }
  pthread_mutex_unlock(&e->m);
  while (zygote > 0 && waitpid(zygote, NULL, 0) < 0 && errno == EINTR) continue;
  pthread_mutex_lock(&e->m);
  e->zygote.pid = 0;
  for (TaskWait *w = e->waits.first; w != NULL; w = w->next) engine_tell(e, w);
  engine_give_back(e);
}

static void *collector_main(void *arg) {
  Engine *e = arg;
  unsigned idle = 0;
  os_name_thread("gilua-collector");
  pthread_mutex_lock(&e->m);
  while (e->state == ENGINE_OPEN || (e->state == ENGINE_CLOSING && e->pending > 0)) {
    if (e->zygote.lost) {
      renew(e);
      continue;
    }
    uint64_t seen = e->activity;
    idle = e->pending > 0 ? 0 : idle + 1;
    bool sleeps = e->state == ENGINE_OPEN && idle > LAZY_TICKS;
    e->collector.sleeps = sleeps;
    if (e->state == ENGINE_OPEN || e->waits.leader != NULL) nap(e, sleeps ? CLOCK_NEVER : clock_ns() + TICK_NS);
    e->collector.sleeps = false;
    if (e->activity == seen || e->state != ENGINE_OPEN) stand_in(e, e->activity);
  }
  end(e);
  e->collector.exists = false;
  pthread_mutex_unlock(&e->m);
  engine_drop(e);
  return NULL;
}

int engine_start_collector(Engine *e) {
  atomic_fetch_add_explicit(&e->refs, 1, memory_order_relaxed);
  int err = os_start_helper(NULL, 0, collector_main, e);
  if (err != 0) engine_drop(e);
  else e->collector.exists = true;
  return err;
}
