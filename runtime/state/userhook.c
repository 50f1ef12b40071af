/* Records of the user's hooks, and calling them as the standard debug library does. */
#include "runtime/state/userhook.h"

#include <lauxlib.h>

#include "runtime/state/hook.h"

static const char records_key = 0; /* its address names the registry table {coroutine -> record}, weak keys */

/* Programs that know the standard library look for its table of hooks by this name. One that is there has hooks of
 * that library. */
static void show_records(lua_State *L) {
  static const char name[] = "_HOOKKEY";
  if (lua_getfield(L, LUA_REGISTRYINDEX, name) == LUA_TNIL) {
    lua_pushvalue(L, -2);
    lua_setfield(L, LUA_REGISTRYINDEX, name);
  }
  lua_pop(L, 1);
}

static void push_records(lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &records_key) == LUA_TTABLE) return;
  lua_pop(L, 1);
  lua_newtable(L);
  lua_createtable(L, 0, 1);
  lua_pushliteral(L, "k");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &records_key);
  show_records(L);
}

/* Pushes co as a value of L. */
static void push_thread(lua_State *L, lua_State *co) {
  lua_pushthread(co);
  lua_xmove(co, L, 1);
}

/* Pushes co's record, or what is no userdata. */
static UserHook *push_record(lua_State *L, lua_State *co) {
  push_records(L);
  push_thread(L, co);
  lua_rawget(L, -2);
  lua_remove(L, -2);
  return lua_touserdata(L, -1);
}

UserHook *userhook_find(lua_State *L, lua_State *co) {
  if (!lua_checkstack(L, 4) || !lua_checkstack(co, 1)) return NULL;
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &records_key) != LUA_TTABLE) {
    lua_pop(L, 1);
    return NULL;
  }
  push_thread(L, co);
  lua_rawget(L, -2);
  UserHook *user = lua_touserdata(L, -1); /* the table keeps it alive */
  lua_pop(L, 2);
  return user;
}

void userhook_set(lua_State *L, lua_State *co, int f, int mask, int count) {
  f = lua_absindex(L, f);
  luaL_checkstack(L, 6, NULL);
  if (!lua_checkstack(co, 1)) luaL_error(L, "stack overflow");
  push_records(L);
  push_thread(L, co);
  if (mask == 0) {
    lua_pushnil(L);
  } else {
    UserHook *user = lua_newuserdatauv(L, sizeof *user, 1);
    *user = (UserHook){.mask = mask, .count = count, .left = count, .step = count, .inert = lua_isnil(L, f)};
    lua_pushvalue(L, f);
    lua_setiuservalue(L, -2, 1);
    runtime_of(L)->user_hooks = true;
  }
  lua_rawset(L, -3);
  lua_pop(L, 1);
  hook_reset(runtime_of(L), co);
}

void userhook_push(lua_State *L, lua_State *co) {
  luaL_checkstack(L, 4, NULL);
  if (!lua_checkstack(co, 1)) luaL_error(L, "stack overflow");
  if (push_record(L, co) != NULL) lua_getiuservalue(L, -1, 1);
  else lua_pushnil(L);
  lua_remove(L, -2);
}

void userhook_inherit(lua_State *L, lua_State *from, lua_State *to) {
  const UserHook *user = userhook_find(L, from);
  if (user != NULL && !hook_is_foreign(runtime_of(L), from)) {
    int mask = user->mask, count = user->count;
    lua_pushnil(L);
    userhook_set(L, to, -1, mask, count);
    lua_pop(L, 1);
  } else {
    hook_inherit(runtime_of(L), from, to);
  }
}

int userhook_step(UserHook *user) {
  user->step = user->left < USERHOOK_QUANTUM ? user->left : USERHOOK_QUANTUM;
  return user->step;
}

bool userhook_counted(UserHook *user) {
  user->left -= user->step;
  if (user->left > 0) return false;
  user->left = user->count;
  return true;
}

void userhook_call(lua_State *L, lua_Debug *ar) {
  static const char *const names[] = {"call", "return", "line", "count", "tail call"};
  luaL_checkstack(L, 6, NULL);
  userhook_push(L, L);
  lua_pushstring(L, names[ar->event]);
  if (ar->currentline >= 0) lua_pushinteger(L, ar->currentline);
  else lua_pushnil(L);
  lua_call(L, 2, 0);
}
