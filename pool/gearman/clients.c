/* The list is a userdata in the registry; its user value has the rows of the recording. */
#include "pool/gearman/clients.h"

#include <string.h>

#include "pool/futures/registry.h"
#include "pool/gearman/client_wait.h"
#include "pool/gearman/jobs.h"
#include "runtime/thread/sentinel.h"
#include "runtime/trace/recorder.h"

typedef struct Clients {
  RuntimeExit at_exit;
  JobClient *first; /* [G] let go */
} Clients;

static const char clients_key = 0;

static Clients *clients_of(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &clients_key);
  Clients *all = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return all;
}

void clients_count(JobClient *c, PoolCounters *out) {
  pthread_mutex_lock(&c->m);
  *out = (PoolCounters){.kind = "gearman",
                        .max_workers = c->max_workers,
                        .submitted = c->submitted,
                        .finished = c->submitted - c->pending,
                        .queued = c->queue.n,
                        .most_queued = c->most_queued};
  for (unsigned i = 0; i < c->nservers; i++) out->busy_ns += c->servers[i].busy_ns;
  pthread_mutex_unlock(&c->m);
  memcpy(out->name, c->name, sizeof out->name);
}

static void release(lua_State *L, JobClient *c) {
  ExecutorRegistry *r = registry_of(L);
  if (c->uncounted && r != NULL) {
    PoolCounters counters;
    clients_count(c, &counters);
    counters_keep(&r->ended_pools, &counters);
  }
  client_drop(c);
}

/* Releases those that have ended; those of a parent process stay. */
static void sweep(lua_State *L, Clients *all) {
  for (JobClient **p = &all->first; *p != NULL;) {
    JobClient *c = *p;
    if (client_foreign(c) || !client_has_ended(c)) {
      p = &c->next;
      continue;
    }
    *p = c->next;
    release(L, c);
  }
}

void clients_let_go(lua_State *L, JobClient *c) {
  Clients *all = clients_of(L);
  PoolCounters counters;
  clients_count(c, &counters);
  c->uncounted = counters.submitted != counters.finished;
  if (all == NULL) { /* the state is being closed */
    client_terminate(c);
    client_drop(c);
    return;
  }
  c->next = all->first;
  all->first = c;
  sweep(L, all);
}

/* The first of this process that something is pending of, or NULL. */
static JobClient *first_open(const Clients *all) {
  JobClient *c = all->first;
  while (c != NULL && (client_foreign(c) || client_has_ended(c))) c = c->next;
  return c;
}

static bool await_all(lua_State *L, RuntimeExit *self, bool joined) {
  Clients *all = (Clients *)((char *)self - offsetof(Clients, at_exit));
  if (!joined) return true;
  for (JobClient *c; (c = first_open(all)) != NULL;) /* others may sweep meanwhile */
    if (client_wait_ended(tstate_self(), c, CLOCK_NEVER) == PARK_REQUESTED) return false;
  sweep(L, all);
  return true;
}

static void stop_all(lua_State *L, Clients *all) {
  for (JobClient *c = all->first; c != NULL; c = c->next)
    if (!client_foreign(c)) client_terminate(c);
  sweep(L, all);
}

/* (clients): the state is closed */
static int clients_gc(lua_State *L) {
  stop_all(L, lua_touserdata(L, 1));
  lua_pushnil(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &clients_key);
  return 0;
}

static void detach(lua_State *L, RuntimeExit *self, bool last) {
  (void)self, (void)last;
  stop_all(L, clients_of(L));
}

void clients_open(lua_State *L) {
  Clients *all = clients_of(L);
  if (runtime_of(L) != NULL && runtime_of(L)->attached) sentinel_new(L);
  if (all != NULL) {
    runtime_add_exit(L, &all->at_exit);
    sweep(L, all);
    return;
  }
  all = lua_newuserdatauv(L, sizeof *all, 1);
  *all = (Clients){.at_exit = {.run = await_all, .detach = detach}};
  runtime_add_exit(L, &all->at_exit);
  lua_newtable(L);
  lua_setiuservalue(L, -2, 1);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, clients_gc);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &clients_key);
}

uint32_t clients_track(lua_State *L, Runtime *rt, const char *row) {
  luaL_checkstack(L, 4, NULL);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &clients_key);
  lua_getiuservalue(L, -1, 1);
  lua_getfield(L, -1, row);
  uint32_t track = (uint32_t)lua_tointeger(L, -1);
  if (!trace_track_current(rt, track)) {
    track = trace_track(rt, row);
    lua_pushinteger(L, track);
    lua_setfield(L, -3, row);
  }
  lua_pop(L, 3);
  return track;
}
