/* Listing executors. */
#include "pool/futures/registry.h"

#include <string.h>

#include "runtime/state/weak.h"

static const char registry_key = 0; /* its address names the registry entry */

ExecutorRegistry *registry_of(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &registry_key);
  ExecutorRegistry *r = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return r;
}

/* User values of the registry. */
enum {
  REGISTRY_OBJECTS = 1, /* {object -> Executor}: weak keys go when the object's memory does, finalizer or not */
  REGISTRY_EXECUTORS,   /* {address -> Executor} */
  REGISTRY_VALUES = REGISTRY_EXECUTORS
};

static void make(lua_State *L) {
  ExecutorRegistry *r = lua_newuserdatauv(L, sizeof *r, REGISTRY_VALUES);
  memset(r, 0, sizeof *r);
  weak_new(L, "k");
  lua_setiuservalue(L, -2, REGISTRY_OBJECTS);
  lua_newtable(L);
  lua_setiuservalue(L, -2, REGISTRY_EXECUTORS);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &registry_key);
}

ExecutorRegistry *registry_open(lua_State *L, bool (*run)(lua_State *, RuntimeExit *, bool),
                                void (*detach)(lua_State *, RuntimeExit *, bool)) {
  luaL_checkstack(L, 6, NULL);
  if (registry_of(L) == NULL) make(L);
  ExecutorRegistry *r = registry_of(L);
  r->at_exit.run = run;
  r->at_exit.detach = detach;
  if (r->at_exit.rt == NULL) {
    r->ending = false;
    runtime_add_exit(L, &r->at_exit);
  }
  return r;
}

static void push_table(lua_State *L, int values) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &registry_key);
  lua_getiuservalue(L, -1, values);
  lua_replace(L, -2);
}

void registry_add(lua_State *L, ExecutorRegistry *r, Executor *e) {
  luaL_checkstack(L, 6, NULL);
  push_table(L, REGISTRY_OBJECTS);
  lua_pushvalue(L, -2);
  lua_pushlightuserdata(L, e);
  lua_rawset(L, -3);
  push_table(L, REGISTRY_EXECUTORS);
  lua_getiuservalue(L, -3, EXECUTOR_ITSELF);
  lua_rawsetp(L, -2, e);
  lua_pop(L, 2);
  e->listed = true;
  e->next = r->executors;
  if (e->next != NULL) e->next->prev = e;
  r->executors = e;
  r->count++;
}

void registry_remove(lua_State *L, ExecutorRegistry *r, Executor *e) {
  if (!e->listed) return;
  push_table(L, REGISTRY_EXECUTORS);
  lua_pushnil(L);
  lua_rawsetp(L, -2, e);
  lua_pop(L, 1);
  e->listed = false;
  r->count--;
  if (e->next != NULL) e->next->prev = e->prev;
  if (e->prev != NULL) e->prev->next = e->next;
  else r->executors = e->next;
  e->next = e->prev = NULL;
}

Executor *registry_lost(lua_State *L, ExecutorRegistry *r) {
  if (!lua_checkstack(L, 4)) return NULL;
  for (Executor *e = r->executors; e != NULL; e = e->next) e->marked = false;
  push_table(L, REGISTRY_OBJECTS);
  for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) ((Executor *)lua_touserdata(L, -1))->marked = true;
  lua_pop(L, 1);
  Executor *e = r->executors;
  while (e != NULL && e->marked) e = e->next;
  return e;
}

bool executor_push(lua_State *L, const Executor *e) {
  luaL_checkstack(L, 4, NULL);
  push_table(L, REGISTRY_OBJECTS);
  for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
    if (lua_touserdata(L, -1) != e) continue;
    lua_pop(L, 1);
    lua_replace(L, -2);
    return true;
  }
  lua_pop(L, 1);
  return false;
}

void executor_push_itself(lua_State *L, const Executor *e) {
  luaL_checkstack(L, 4, NULL);
  push_table(L, REGISTRY_EXECUTORS);
  lua_rawgetp(L, -1, e);
  lua_replace(L, -2);
}
