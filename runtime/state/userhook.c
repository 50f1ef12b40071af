/* Records of the user's hooks, and calling them as the standard debug library does. */
#include "runtime/state/userhook.h"

#include <lauxlib.h>

#include "runtime/state/hook.h"
#include "runtime/state/weak.h"

static const char records_key = 0; /* its address names the registry table {coroutine -> record}, weak keys */

/* The standard library's table of hooks, {coroutine -> function}: programs that know it look for it by this name. */
static const char stock_name[] = "_HOOKKEY";

static void show_records(lua_State *L) {
  if (lua_getfield(L, LUA_REGISTRYINDEX, stock_name) == LUA_TNIL) {
    lua_pushvalue(L, -2);
    lua_setfield(L, LUA_REGISTRYINDEX, stock_name);
  }
  lua_pop(L, 1);
}

static void push_records(lua_State *L) {
  if (weak_push(L, &records_key, "k")) show_records(L);
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
  else if (lua_isfunction(L, -1)) lua_pushvalue(L, -1); /* of the standard library */
  else lua_pushnil(L);
  lua_remove(L, -2);
}

/* Pushes the keys of the table at index t and their values; returns how many. Nothing is allocated amid the walk: finalizers could
 * change the table. */
static int push_pairs(lua_State *L, int t) {
  int n = 0;
  for (lua_pushnil(L); lua_next(L, t) != 0; lua_pop(L, 1)) n++;
  luaL_checkstack(L, 2 * n + LUA_MINSTACK, "too many coroutines have hooks");
  n = 0;
  for (lua_pushnil(L); lua_next(L, t) != 0; n++) lua_pushvalue(L, -2);
  return n;
}

void userhook_adopt(lua_State *L, lua_Hook stock) {
  int top = lua_gettop(L);
  push_records(L);
  int n = lua_getfield(L, LUA_REGISTRYINDEX, stock_name) == LUA_TTABLE ? push_pairs(L, top + 2) : 0;
  lua_pushvalue(L, top + 1);
  lua_setfield(L, LUA_REGISTRYINDEX, stock_name);
  for (int i = top + 3; n > 0; n--, i += 2) {
    lua_State *co = lua_tothread(L, i);
    if (co == NULL || lua_gethook(co) != stock || lua_gethookmask(co) == 0) continue;
    userhook_set(L, co, i + 1, lua_gethookmask(co), lua_gethookcount(co));
  }
  lua_settop(L, top);
}

void userhook_yield(lua_State *L, int f) {
  int top = lua_gettop(L);
  f = lua_absindex(L, f);
  push_records(L);
  int n = push_pairs(L, top + 1);
  for (int i = top + 2; n > 0; n--, i += 2) {
    lua_State *co = lua_tothread(L, i);
    const UserHook *user = lua_touserdata(L, i + 1);
    if (user == NULL || user->inert || hook_is_foreign(runtime_of(L), co)) continue;
    lua_pushvalue(L, f);
    lua_pushvalue(L, i);
    lua_getiuservalue(L, i + 1, 1);
    userhook_letters(L, user->mask);
    lua_pushinteger(L, user->count);
    lua_call(L, 4, 0);
  }
  lua_settop(L, top);
}

void userhook_letters(lua_State *L, int mask) {
  char letters[4], *p = letters;
  if ((mask & LUA_MASKCALL) != 0) *p++ = 'c';
  if ((mask & LUA_MASKRET) != 0) *p++ = 'r';
  if ((mask & LUA_MASKLINE) != 0) *p++ = 'l';
  lua_pushlstring(L, letters, (size_t)(p - letters));
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

int userhook_step(UserHook *user, int most) {
  user->step = user->left < most ? user->left : most;
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
