/* Waiting for several futures: each tells the groups that it is in. */
#include "pool/futures/group.h"

#include <limits.h>
#include <string.h>

#include "pool/futures/service.h"
#include "pool/futures/workers.h"
#include "runtime/state/options.h"
#include "runtime/state/order.h"
#include "runtime/state/text.h"

typedef struct GroupObject {
  ObjectHead head;
  FutureGroup *group; /* [i] */
} GroupObject;

static const ObjectType group_type;
static const char groups_key = 0; /* registry: table, address -> FutureGroup */

static FutureGroup *group_at(lua_State *L, int i) { return ((GroupObject *)lua_touserdata(L, i))->group; }

/* Pushes the table of the groups, made if there is none. */
static void push_groups(lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &groups_key) == LUA_TTABLE) return;
  lua_pop(L, 1);
  lua_newtable(L);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &groups_key) != LUA_TTABLE) { /* nor did a finalizer make it meanwhile */
    lua_pop(L, 1);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &groups_key);
  } else {
    lua_remove(L, -2);
  }
}

/* The futures outlive the group, or are collected together with it, after this. */
static int group_gc(lua_State *L) {
  FutureGroup *g = ((GroupObject *)object_check(L, 1, &group_type))->group;
  for (int k = 0; k < g->size; k++)
    if (g->places[k].watch.future != NULL) future_unlink(&g->places[k].watch);
  push_groups(L);
  lua_pushnil(L);
  lua_rawsetp(L, -2, g);
  return 0;
}

static const luaL_Reg no_methods[] = {{NULL, NULL}};
static const luaL_Reg group_meta[] = {{"__gc", group_gc}, {NULL, NULL}};
static const ObjectType group_type = {
    .name = "gilua.FutureGroup", .size = sizeof(GroupObject), .methods = no_methods, .meta = group_meta};

static void add_decided(FutureGroup *g, GroupPlace *p) {
  p->next = NULL;
  if (g->newest != NULL) g->newest->next = p;
  else g->decided = p;
  g->newest = p;
}

/* FutureWatch.tell */
static void told(lua_State *L, Tstate *self, FutureWatch *w, Future *f, int i) {
  (void)L, (void)f, (void)i;
  GroupPlace *p = (GroupPlace *)w;
  FutureGroup *g = p->group;
  add_decided(g, p);
  g->undecided--;
  order_release(self, g);
  if (!waitq_empty(&g->waiters)) park_grant_all(self, &g->waiters);
}

FutureGroup *group_new(lua_State *L, int size) {
  luaL_checkstack(L, 6, NULL);
  size_t bytes = sizeof(FutureGroup) + (size_t)size * sizeof(GroupPlace);
  GroupObject *object = lua_newuserdatauv(L, sizeof *object, GROUP_VALUES);
  FutureGroup *g = lua_newuserdatauv(L, bytes, 0);
  memset(g, 0, bytes);
  *object = (GroupObject){.head.type = &group_type, .group = g};
  g->size = size;
  for (int k = size - 1; k >= 0; k--) {
    g->places[k] = (GroupPlace){.watch.tell = told, .group = g, .next = g->vacant};
    g->vacant = &g->places[k];
  }
  push_groups(L);
  lua_pushvalue(L, -2);
  lua_rawsetp(L, -2, g);
  lua_pop(L, 1);
  lua_setiuservalue(L, -2, GROUP_ITSELF);
  object_push_metatable(L, &group_type);
  lua_setmetatable(L, -2);
  lua_createtable(L, size, 0);
  lua_setiuservalue(L, -2, GROUP_FUTURES);
  return g;
}

void group_add(lua_State *L, int gi, int fi) {
  luaL_checkstack(L, 4, NULL);
  FutureGroup *g = group_at(L, gi);
  Future *f = lua_touserdata(L, fi);
  fi = lua_absindex(L, fi);
  service_watch(L, fi);
  GroupPlace *p = g->vacant;
  g->vacant = p->next;
  lua_getiuservalue(L, gi, GROUP_FUTURES);
  lua_pushvalue(L, fi);
  lua_rawseti(L, -2, p - g->places + 1); /* there is room: nothing is allocated */
  lua_pop(L, 1);
  if (future_decided(f)) {
    order_acquire(tstate_self(), f);
    add_decided(g, p);
  } else {
    future_link(f, &p->watch);
    g->undecided++;
  }
}

/* Raises an error if there is more in the table at index `list`, `n` aside, than its first n elements: it would not be waited for. */
static void refuse_rest(lua_State *L, int list, lua_Integer n) {
  for (lua_pushnil(L); lua_next(L, list) != 0; lua_pop(L, 1)) {
    if (lua_isinteger(L, -2) && lua_tointeger(L, -2) >= 1 && lua_tointeger(L, -2) <= n) continue;
    if (lua_type(L, -2) == LUA_TNUMBER) luaL_argerror(L, list, lua_pushfstring(L, "Future expected at %I, got nil", (LUAI_UACINT)n + 1));
    if (!text_is(L, -2, "n"))
      luaL_argerror(L, list, lua_pushfstring(L, "list of futures expected, got one with a field '%s', too", luaL_tolstring(L, -2, NULL)));
  }
}

/* Pushes a new list of the futures in the list at index `list`, each once; returns how many. */
static int push_unique(lua_State *L, int list) {
  options_check_list(L, list, 0, ", or with the futures as keys");
  lua_newtable(L);
  lua_newtable(L);
  int unique = lua_gettop(L) - 1, seen = unique + 1, n = 0;
  lua_Integer k = 1;
  for (; lua_geti(L, list, k) != LUA_TNIL; k++) {
    if (future_test(L, -1) == NULL)
      luaL_argerror(L, list, lua_pushfstring(L, "Future expected at %I, got %s", (LUAI_UACINT)k, luaL_typename(L, -1)));
    if (n == INT_MAX / (int)sizeof(GroupPlace)) luaL_error(L, "too many futures");
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
  refuse_rest(L, list, k - 1);
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

/* Parks until a member is decided. A worker among futures of its own pool may be the last that could run them. */
static ParkResult await_member(lua_State *L, Tstate *ts, FutureGroup *g, int64_t deadline) {
  const Worker *w = ts->worker;
  Future *own = NULL;
  for (int k = 0; k < g->size && w != NULL; k++) {
    Future *f = g->places[k].watch.future;
    if (f == NULL) continue;
    own = f;
    if (f->workers != w->all) break;
  }
  if (own != NULL && !workers_begin_wait(ts, own->workers, deadline)) workers_raise_deadlock(L, ts, "futures", 0);
  ParkResult result = park(ts, &g->waiters, deadline, "futures", g);
  workers_end_wait(ts);
  return result;
}

ParkResult group_take(lua_State *L, Tstate *ts, int i, int64_t deadline, bool *taken) {
  i = lua_absindex(L, i);
  FutureGroup *g = group_at(L, i);
  *taken = false;
  while (g->decided == NULL) {
    if (g->undecided == 0) return PARK_GRANTED;
    ParkResult result = await_member(L, ts, g, deadline);
    if (result != PARK_GRANTED && g->decided == NULL) return result;
    if (result != PARK_GRANTED && result != PARK_TIMEOUT) return result;
  }
  order_acquire(ts, g);
  GroupPlace *p = g->decided;
  g->decided = p->next;
  if (g->decided == NULL) g->newest = NULL;
  *taken = true;
  p->next = g->vacant;
  g->vacant = p;
  lua_Integer k = p - g->places + 1;
  lua_getiuservalue(L, i, GROUP_FUTURES);
  lua_rawgeti(L, -1, k);
  lua_pushboolean(L, false);
  lua_rawseti(L, -3, k);
  lua_remove(L, -2);
  return PARK_GRANTED;
}
