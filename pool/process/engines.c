/* The list is a userdata in the registry. */
#include "pool/process/engines.h"

#include <string.h>

#include "pool/futures/registry.h"
#include "pool/process/cancel.h"
#include "pool/process/tasks.h"
#include "pool/process/wait.h"
#include "runtime/thread/sentinel.h"

typedef struct Engines {
  RuntimeExit at_exit;
  Engine *first; /* [G] */
} Engines;

static const char engines_key = 0;

static Engines *engines_of(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &engines_key);
  Engines *all = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return all;
}

void engine_count(Engine *engine, PoolCounters *out) {
  int64_t now = clock_ns();
  pthread_mutex_lock(&engine->m);
  *out = (PoolCounters){.kind = "processes",
                        .max_workers = (int)engine->options.max_workers,
                        .workers = (int)engine->live,
                        .submitted = engine->shown.submitted,
                        .finished = engine->shown.submitted - engine->pending,
                        .queued = engine->queue.n,
                        .most_queued = engine->queue.most};
  for (unsigned i = 0; i < engine->options.max_workers; i++) out->busy_ns += engine_busy_ns(engine, i, now);
  pthread_mutex_unlock(&engine->m);
  memcpy(out->name, engine->shown.name, sizeof out->name);
}

void engines_add(lua_State *L, Engine *e, EngineOwner *owner) {
  Engines *all = engines_of(L);
  e->owner = owner;
  e->prev = NULL;
  e->next = all->first;
  if (e->next != NULL) e->next->prev = e;
  all->first = e;
}

/* It has ended, and nobody will ask it for anything but what came of its tasks. */
static void release(lua_State *L, Engine *e) {
  if (e->next != NULL) e->next->prev = e->prev;
  if (e->prev != NULL) e->prev->next = e->next;
  else engines_of(L)->first = e->next;
  if (e->shown.uncounted) {
    PoolCounters c;
    engine_count(e, &c);
    counters_keep(&registry_of(L)->ended_pools, &c);
  }
  engine_bury(L, e);
  engine_leave(L, e);
}

void engines_let_go(lua_State *L, Engine *e) {
  e->owner = NULL;
  engine_close(e);
  if (engine_ended(e)) release(L, e);
}

/* Executors look after theirs themselves. */
static bool is_ours(const Engine *e) { return (e->owner == NULL || e->owner->ended != NULL) && !engine_foreign(e); }

static Engine *find(const Engines *all, bool ended) {
  for (Engine *e = all->first; e != NULL; e = e->next)
    if (is_ours(e) && engine_ended(e) == ended) return e;
  return NULL;
}

static void sweep(lua_State *L, Engines *all) {
  for (Engine *e; (e = find(all, true)) != NULL;) {
    if (e->owner == NULL) release(L, e);
    else e->owner->ended(L, e->owner);
  }
}

void engines_sweep(lua_State *L) { sweep(L, engines_of(L)); }

/* The end of the program: daemons are ended, the others waited for. Executors were joined before. */
static bool await_all(lua_State *L, RuntimeExit *self, bool joined) {
  Engines *all = (Engines *)((char *)self - offsetof(Engines, at_exit));
  if (!joined) return true; /* threads may still start some, and join them */
  for (Engine *e = all->first; e != NULL; e = e->next)
    if (e->owner != NULL && e->owner->daemon && !engine_foreign(e)) engine_terminate(e);
  for (Engine *e; (e = find(all, false)) != NULL;)
    if (engine_wait_ended(tstate_self(), e, CLOCK_NEVER) == PARK_REQUESTED) return false;
  sweep(L, all);
  return true;
}

/* Those of Processes are told, the others are let go of by their owners or have none. */
static void stop_all(lua_State *L, Engines *all) {
  for (Engine *e = all->first; e != NULL; e = e->next)
    if (is_ours(e)) engine_stop(e);
  sweep(L, all);
}

/* (engines): the state is closed */
static int engines_gc(lua_State *L) {
  stop_all(L, lua_touserdata(L, 1));
  return 0;
}

static void detach(lua_State *L, RuntimeExit *self, bool last) {
  (void)self, (void)last;
  stop_all(L, engines_of(L));
}

const RuntimeExit *engines_life(lua_State *L) { return &engines_of(L)->at_exit; }

void engines_open(lua_State *L) {
  Engines *all = engines_of(L);
  if (runtime_of(L) != NULL && runtime_of(L)->attached) sentinel_new(L);
  if (all != NULL) {
    runtime_add_exit(L, &all->at_exit);
    return;
  }
  all = lua_newuserdatauv(L, sizeof *all, 0);
  *all = (Engines){.at_exit = {.run = await_all, .detach = detach}};
  runtime_add_exit(L, &all->at_exit);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, engines_gc);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &engines_key);
}
