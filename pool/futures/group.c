/* Waiting for several futures: each tells the groups that it is in. */
#include "pool/futures/group.h"

#include <limits.h>
#include <string.h>

#include "pool/futures/crew.h"

static void unlink_watch(FutureWatch *w) {
  if (w->next != NULL) w->next->prev = w->prev;
  if (w->prev != NULL) w->prev->next = w->next;
  else w->future->watches = w->next;
  w->next = w->prev = NULL;
  w->future = NULL;
}

/* The futures outlive the group, or are collected together with it, after this. */
static int group_gc(lua_State *L) {
  FutureGroup *g = lua_touserdata(L, 1);
  for (int k = 0; k < g->size; k++)
    if (g->watches[k].future != NULL) unlink_watch(&g->watches[k]);
  return 0;
}

static const luaL_Reg no_methods[] = {{NULL, NULL}};
static const luaL_Reg group_meta[] = {{"__gc", group_gc}, {NULL, NULL}};
static const ObjectType group_type = {
    .name = "gilua.FutureGroup", .size = sizeof(FutureGroup), .methods = no_methods, .meta = group_meta};

void group_register(lua_State *L) { object_register(L, &group_type); }

static void add_decided(FutureGroup *g, FutureWatch *w) {
  w->next = NULL;
  if (g->newest != NULL) g->newest->next = w;
  else g->decided = w;
  g->newest = w;
}

void group_tell(Tstate *self, Future *f) {
  while (f->watches != NULL) {
    FutureWatch *w = f->watches;
    FutureGroup *g = w->group;
    unlink_watch(w);
    add_decided(g, w);
    g->undecided--;
    if (!waitq_empty(&g->waiters)) park_grant_all(self, &g->waiters);
  }
}

FutureGroup *group_new(lua_State *L, int size) {
  luaL_checkstack(L, 4, NULL);
  size_t bytes = sizeof(FutureGroup) + (size_t)size * sizeof(FutureWatch);
  FutureGroup *g = lua_newuserdatauv(L, bytes, 1);
  memset(g, 0, bytes);
  g->head.type = &group_type;
  g->size = size;
  for (int k = size - 1; k >= 0; k--) {
    g->watches[k].group = g;
    g->watches[k].next = g->vacant;
    g->vacant = &g->watches[k];
  }
  luaL_setmetatable(L, group_type.name);
  lua_createtable(L, size, 0);
  lua_setiuservalue(L, -2, 1);
  return g;
}

static void link_watch(FutureGroup *g, FutureWatch *w, Future *f) {
  w->future = f;
  w->next = f->watches;
  w->prev = NULL;
  if (w->next != NULL) w->next->prev = w;
  f->watches = w;
  g->undecided++;
}

void group_add(lua_State *L, int gi, int fi) {
  luaL_checkstack(L, 4, NULL);
  FutureGroup *g = lua_touserdata(L, gi);
  Future *f = lua_touserdata(L, fi);
  fi = lua_absindex(L, fi);
  future_watch(L, fi);
  FutureWatch *w = g->vacant;
  lua_getiuservalue(L, gi, 1);
  lua_pushvalue(L, fi);
  lua_rawseti(L, -2, w - g->watches + 1);
  lua_pop(L, 1);
  g->vacant = w->next;
  if (future_decided(f)) add_decided(g, w);
  else link_watch(g, w, f);
}

/* Pushes a new list of the futures in the list at index `list`, each once; returns how many. */
static int push_unique(lua_State *L, int list) {
  lua_newtable(L);
  lua_newtable(L);
  int unique = lua_gettop(L) - 1, seen = unique + 1, n = 0;
  for (lua_Integer k = 1; lua_geti(L, list, k) != LUA_TNIL; k++) {
    if (future_test(L, -1) == NULL) luaL_error(L, "bad element #%d of the list of futures (Future expected, got %s)", (int)k, luaL_typename(L, -1));
    if (n == INT_MAX / (int)sizeof(FutureWatch)) luaL_error(L, "too many futures");
    lua_pushvalue(L, -1);
    if (lua_rawget(L, seen) == LUA_TNIL) {
      lua_pushvalue(L, -2);
      lua_pushboolean(L, true);
      lua_rawset(L, seen);
      lua_pushvalue(L, -2);
      lua_rawseti(L, unique, ++n);
    }
    lua_settop(L, seen);
  }
  lua_settop(L, unique);
  return n;
}

FutureGroup *group_of_list(lua_State *L, int i) {
  luaL_checkstack(L, 8, NULL);
  int n = push_unique(L, lua_absindex(L, i)), list = lua_gettop(L);
  FutureGroup *g = group_new(L, n);
  for (int k = 1; k <= n; k++) {
    lua_rawgeti(L, list, k);
    group_add(L, list + 1, -1);
    lua_pop(L, 1);
  }
  lua_remove(L, list);
  return g;
}

/* Parks until a member is decided. A worker among its own crew's futures may be the last that could run them. */
static ParkResult await_member(lua_State *L, Tstate *ts, FutureGroup *g, int64_t deadline) {
  const Worker *w = ts->worker;
  Future *own = NULL;
  for (int k = 0; k < g->size && w != NULL; k++) {
    Future *f = g->watches[k].future;
    if (f == NULL) continue;
    own = f;
    if (f->crew != w->crew) break;
  }
  if (own != NULL && !crew_begin_wait(ts, own, deadline)) crew_raise_deadlock(L, ts, "futures", 0);
  ParkResult result = park(ts, &g->waiters, deadline, "futures", g);
  crew_end_wait(ts);
  return result;
}

ParkResult group_take(lua_State *L, Tstate *ts, int i, int64_t deadline, bool *taken) {
  i = lua_absindex(L, i);
  FutureGroup *g = lua_touserdata(L, i);
  *taken = false;
  while (g->decided == NULL) {
    if (g->undecided == 0) return PARK_GRANTED;
    ParkResult result = await_member(L, ts, g, deadline);
    if (result != PARK_GRANTED && g->decided == NULL) return result;
    if (result != PARK_GRANTED && result != PARK_TIMEOUT) return result;
  }
  FutureWatch *w = g->decided;
  g->decided = w->next;
  if (g->decided == NULL) g->newest = NULL;
  *taken = true;
  w->next = g->vacant;
  g->vacant = w;
  lua_Integer k = w - g->watches + 1;
  lua_getiuservalue(L, i, 1);
  lua_rawgeti(L, -1, k);
  lua_pushboolean(L, false);
  lua_rawseti(L, -3, k);
  lua_remove(L, -2);
  return PARK_GRANTED;
}
