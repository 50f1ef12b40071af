/* require: the standard function, but a module is loaded once, whoever asks for it at the same time.
 *
 * A module that is being loaded has a record, which says by which thread; others wait for the record to close. Where
 * waiting would close a circle of requires, it goes on as a circle does in one thread: it loads the module itself.
 *
 * Source of the behaviour: the Lua 5.4 manual, 6.3, and loadlib.c.
 */
#include <lauxlib.h>
#include <lualib.h>
#include <string.h>

#include "runtime/state/weak.h"
#include "runtime/sync/park.h"
#include "runtime/state/finalizer.h"
#include "runtime/thread/lib_thread.h"
#include "runtime/state/object.h"
#include "runtime/state/order.h"
#include "runtime/state/require.h"

/* Stack of require. */
enum { AT_NAME = 1, AT_LOADED, AT_LOADING, AT_RECORD };

typedef struct Record {
  ObjectHead head;
  lua_Integer holder; /* [G] ident of the thread that loads; 0: it is over. Where deadlock.h looks for it: see wait_for */
  Waitq waiters;      /* [G] */
} Record;

static const char loading_key = 0; /* its address names the registry table {name -> Record} */

static int record_close(lua_State *L);

static const luaL_Reg record_methods[] = {{NULL, NULL}};
static const luaL_Reg record_meta[] = {{"__close", record_close}, {NULL, NULL}};
static const ObjectType record_type = {
    .name = "gilua.require", .size = sizeof(Record), .methods = record_methods, .meta = record_meta};

static int record_close(lua_State *L) {
  Record *r = object_check(L, 1, &record_type);
  Tstate *ts = tstate_self();
  r->holder = 0;
  if (ts == NULL) return 0;
  order_release(ts, &loading_key);
  park_grant_all(ts, &r->waiters);
  return 0;
}

/* The text on top of the stack, the only value above what the buffer has there. The searchers of 5.4.0 to 5.4.2 begin their
 * messages with a new line themselves. */
static void add_reason(lua_State *L, luaL_Buffer *reasons) {
  if (lua_tostring(L, -1)[0] != '\n') {
    lua_pushliteral(L, "\n\t");
    lua_insert(L, -2);
    lua_concat(L, 2);
  }
  luaL_addvalue(reasons);
}

/* Pushes the loader and its data. */
static void find_loader(lua_State *L, const char *name) {
  luaL_Buffer reasons;
  if (lua_getfield(L, lua_upvalueindex(1), "searchers") != LUA_TTABLE)
    luaL_error(L, "'package.searchers' must be a table");
  int searchers = lua_gettop(L);
  luaL_buffinit(L, &reasons);
  for (int i = 1; lua_rawgeti(L, searchers, i) != LUA_TNIL; i++) {
    lua_pushstring(L, name);
    lua_call(L, 1, 2);
    if (lua_isfunction(L, -2)) return;
    lua_pop(L, 1);
    if (lua_isstring(L, -1)) add_reason(L, &reasons);
    else lua_pop(L, 1);
  }
  lua_pop(L, 1);
  luaL_pushresult(&reasons);
  luaL_error(L, "module '%s' not found:%s", name, lua_tostring(L, -1));
}

/* Loads the module; returns as require does. */
static int load(lua_State *L, const char *name) {
  find_loader(L, name);
  lua_rotate(L, -2, 1); /* data, loader */
  lua_pushvalue(L, AT_NAME);
  lua_pushvalue(L, -3);
  lua_call(L, 2, 1);
  if (!lua_isnil(L, -1)) lua_setfield(L, AT_LOADED, name);
  else lua_pop(L, 1);
  if (lua_getfield(L, AT_LOADED, name) == LUA_TNIL) {
    lua_pushboolean(L, 1);
    lua_copy(L, -1, -2);
    lua_setfield(L, AT_LOADED, name);
  }
  lua_rotate(L, -2, 1);
  return 2;
}

static bool closes_circle(const Tstate *self, const Record *r) {
  const Tstate *t = tstate_find(self->rt, r->holder);
  for (unsigned n = 0; t != NULL && t != self && n < self->rt->nthreads; n++) {
    if (t->wait.what == NULL || strcmp(t->wait.what, "require") != 0) return false;
    t = tstate_find(self->rt, *(const lua_Integer *)t->wait.object);
  }
  return t == self;
}

/* Pushes what is to be at AT_RECORD: the record of who loads the module now, or nil. */
static Record *push_record(lua_State *L, const Tstate *ts) {
  lua_settop(L, AT_LOADING);
  lua_pushvalue(L, AT_NAME);
  lua_rawget(L, AT_LOADING);
  Record *r = lua_touserdata(L, AT_RECORD);
  return r != NULL && r->holder != 0 && tstate_find(ts->rt, r->holder) != NULL ? r : NULL; /* it may have vanished in a fork */
}

/* Waits while others load the module; true if it was loaded meanwhile. */
static bool loaded_by_others(lua_State *L, Tstate *ts, const char *name) {
  for (Record *r = push_record(L, ts); r != NULL; r = push_record(L, ts)) {
    if (waits_forbidden(ts) || closes_circle(ts, r)) return false;
    park_check(L, ts, park(ts, &r->waiters, CLOCK_NEVER, "require", &r->holder));
    lua_getfield(L, AT_LOADED, name);
    if (lua_toboolean(L, -1)) return true;
  }
  return false;
}

/* Notes that ts loads the module, until require returns or raises. */
static void begin(lua_State *L, const Tstate *ts) {
  Record *r = object_new(L, &record_type, 0);
  lua_replace(L, AT_RECORD);
  lua_pushvalue(L, AT_NAME);
  lua_pushvalue(L, AT_RECORD);
  lua_rawset(L, AT_LOADING);
  lua_toclose(L, AT_RECORD);
  r->holder = ts->ident;
}

static int require(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  lua_settop(L, AT_NAME);
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, AT_LOADED, name);
  Tstate *ts = running_self(L);
  if (ts != NULL) order_acquire(ts, &loading_key);
  if (lua_toboolean(L, -1)) return 1;
  lua_settop(L, AT_LOADED);
  if (ts == NULL) return load(L, name); /* the state goes on without its runtime */
  running_look(ts, L);
  weak_push(L, &loading_key, "v");
  if (loaded_by_others(L, ts, name)) return 1;
  lua_settop(L, AT_RECORD);
  if (push_record(L, ts) == NULL) begin(L, ts); /* else it is part of a circle */
  lua_getfield(L, AT_LOADED, name);
  if (lua_toboolean(L, -1)) return 1; /* by a finalizer meanwhile */
  lua_settop(L, AT_RECORD);
  return load(L, name);
}

void lib_require_replace(lua_State *L) {
  object_register(L, &record_type);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (lua_getfield(L, -1, LUA_LOADLIBNAME) == LUA_TTABLE) {
    lua_pushcclosure(L, require, 1);
    require_keep(L);
    lua_setglobal(L, "require");
    lua_pop(L, 1);
  } else {
    lua_pop(L, 2);
  }
}
