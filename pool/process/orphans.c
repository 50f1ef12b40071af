/* Engines that nobody asks any more. They finish what was submitted, which may be strings of the Lua heap. The program waits
 * for them at its end; the finalizer of the list, which runs after those of executors and processes, ends what an exit did
 * not wait for. One list a runtime, as a userdata in the registry.
 */
#include "pool/process/orphans.h"

#include <lauxlib.h>
#include <string.h>

#include "pool/futures/service.h"
#include "pool/process/internal.h"

typedef struct Orphans {
  RuntimeExit at_exit;
  Engine *first; /* [G] */
} Orphans;

static const char orphans_key = 0;

static Orphans *orphans_of(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &orphans_key);
  Orphans *o = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return o;
}

void engine_count(Engine *engine, PoolCounters *out) {
  int64_t now = clock_ns();
  pthread_mutex_lock(&engine->m);
  *out = (PoolCounters){.kind = "processes",
                        .max_workers = (int)engine->options.max_workers,
                        .workers = (int)engine->live,
                        .submitted = engine->submitted,
                        .finished = engine->submitted - engine->pending,
                        .queued = engine->queued,
                        .most_queued = engine->most_queued};
  for (unsigned i = 0; i < engine->options.max_workers; i++) out->busy_ns += engine_busy_ns(engine, i, now);
  pthread_mutex_unlock(&engine->m);
  memcpy(out->name, engine->name, sizeof out->name);
}

/* The engine has ended, and nobody will ask it for anything. */
static void release(lua_State *L, Engine *engine) {
  if (engine->uncounted) {
    PoolCounters c;
    engine_count(engine, &c);
    counters_keep(&service_of(L)->ended_pools, &c);
  }
  if (engine->cause != NULL) engine_drop_task(engine->cause);
  engine_bury(L, engine);
  pickle_link_free(L, engine->link);
  pickle_message_free(L, &engine->init);
  engine_drop(engine);
}

void orphans_adopt(lua_State *L, Engine *engine) {
  Orphans *o = orphans_of(L);
  if (engine_ended(engine)) {
    release(L, engine);
    return;
  }
  engine->next = o->first;
  o->first = engine;
}

static bool await_orphans(lua_State *L, RuntimeExit *self, bool joined) {
  Orphans *o = (Orphans *)((char *)self - offsetof(Orphans, at_exit));
  while (joined && o->first != NULL) {
    Engine *engine = o->first;
    o->first = engine->next; /* nobody else releases it while the lock is left */
    if (engine_foreign(engine)) continue;
    if (engine_wait_ended(tstate_self(), engine, CLOCK_NEVER) == PARK_REQUESTED) {
      engine->next = o->first;
      o->first = engine;
      return false;
    }
    release(L, engine);
  }
  return true;
}

static void stop_all(lua_State *L, Orphans *o) {
  while (o->first != NULL) {
    Engine *engine = o->first;
    o->first = engine->next;
    if (engine_foreign(engine)) continue;
    engine_stop(engine);
    release(L, engine);
  }
}

/* (orphans): the state is closed */
static int orphans_gc(lua_State *L) {
  stop_all(L, lua_touserdata(L, 1));
  return 0;
}

static void detach(lua_State *L, RuntimeExit *self, bool last) {
  (void)self;
  if (last) stop_all(L, orphans_of(L));
}

void orphans_forget_ended(lua_State *L) {
  for (Engine **p = &orphans_of(L)->first; *p != NULL;) {
    Engine *engine = *p;
    if (engine_foreign(engine) || !engine_ended(engine)) {
      p = &engine->next;
      continue;
    }
    *p = engine->next;
    release(L, engine);
  }
}

const RuntimeExit *orphans_life(lua_State *L) { return &orphans_of(L)->at_exit; }

void orphans_open(lua_State *L) {
  Orphans *o = orphans_of(L);
  if (o != NULL) {
    runtime_add_exit(L, &o->at_exit);
    return;
  }
  o = lua_newuserdatauv(L, sizeof *o, 0);
  *o = (Orphans){.at_exit = {.run = await_orphans, .detach = detach}};
  runtime_add_exit(L, &o->at_exit);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, orphans_gc);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &orphans_key);
}
