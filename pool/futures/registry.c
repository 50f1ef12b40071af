/* Listing executors. */
#include "pool/futures/registry.h"

#include <string.h>

static const char registry_key = 0; /* its address names the registry entry */

ExecutorRegistry *registry_of(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &registry_key);
  ExecutorRegistry *r = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return r;
}

static void make(lua_State *L) {
  ExecutorRegistry *r = lua_newuserdatauv(L, sizeof *r, 1);
  memset(r, 0, sizeof *r);
  lua_newtable(L);
  lua_createtable(L, 0, 1);
  lua_pushliteral(L, "v");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
  lua_setiuservalue(L, -2, 1);
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

static void push_objects(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &registry_key);
  lua_getiuservalue(L, -1, 1);
  lua_replace(L, -2);
}

void registry_add(lua_State *L, ExecutorRegistry *r, Executor *e) {
  luaL_checkstack(L, 4, NULL);
  push_objects(L);
  lua_pushvalue(L, -2);
  lua_rawsetp(L, -2, e);
  lua_pop(L, 1);
  e->listed = true;
  e->next = r->executors;
  if (e->next != NULL) e->next->prev = e;
  r->executors = e;
}

void registry_remove(ExecutorRegistry *r, Executor *e) {
  if (!e->listed) return;
  e->listed = false;
  if (e->next != NULL) e->next->prev = e->prev;
  if (e->prev != NULL) e->prev->next = e->next;
  else r->executors = e->next;
  e->next = e->prev = NULL;
}

bool executor_push(lua_State *L, const Executor *e) {
  luaL_checkstack(L, 4, NULL);
  push_objects(L);
  lua_rawgetp(L, -1, e);
  lua_replace(L, -2);
  if (!lua_isnil(L, -1)) return true;
  lua_pop(L, 1);
  return false;
}
