/* debug.sethook and debug.gethook: as the standard functions, but the hook is recorded where preemption can put it back.
 *
 * Source of the behaviour: the Lua 5.4 manual, 6.10.
 */
#include <lauxlib.h>
#include <lualib.h>
#include <string.h>

#include "runtime/state/hook.h"
#include "runtime/thread/lib_thread.h"
#include "runtime/state/userhook.h"

/* The thread argument that these functions may start with; *shift is 1 if there is one. */
static lua_State *target_of(lua_State *L, int *shift) {
  *shift = lua_isthread(L, 1);
  return *shift ? lua_tothread(L, 1) : L;
}

static int mask_of(const char *letters, int count) {
  int mask = 0;
  if (strchr(letters, 'c') != NULL) mask |= LUA_MASKCALL;
  if (strchr(letters, 'r') != NULL) mask |= LUA_MASKRET;
  if (strchr(letters, 'l') != NULL) mask |= LUA_MASKLINE;
  if (count > 0) mask |= LUA_MASKCOUNT;
  return mask;
}

/* debug.sethook([thread,] hook, mask [, count]) */
static int debug_sethook(lua_State *L) {
  int shift;
  lua_State *co = target_of(L, &shift);
  if (runtime_of(L) == NULL) return luaL_error(L, "the threads of this state have been closed");
  if (lua_isnoneornil(L, shift + 1)) {
    lua_settop(L, shift + 1);
    userhook_set(L, co, shift + 1, 0, 0);
    return 0;
  }
  const char *letters = luaL_checkstring(L, shift + 2);
  luaL_checktype(L, shift + 1, LUA_TFUNCTION);
  int count = (int)luaL_optinteger(L, shift + 3, 0);
  userhook_set(L, co, shift + 1, mask_of(letters, count), count);
  return 0;
}

/* debug.gethook([thread]) -> hook, mask, count; a hook that C code set is "external hook", other than the standard library's */
static int debug_gethook(lua_State *L) {
  int shift;
  lua_State *co = target_of(L, &shift);
  const Runtime *rt = runtime_of(L);
  const UserHook *user = userhook_find(L, co);
  int mask, count;
  if (rt != NULL && hook_is_foreign(rt, co)) {
    if (hook_foreign(rt, co, &mask, &count) == rt->stock_hook) userhook_push(L, co);
    else lua_pushliteral(L, "external hook");
    userhook_letters(L, mask);
    lua_pushinteger(L, count);
  } else if (user != NULL) {
    userhook_push(L, co);
    userhook_letters(L, user->mask);
    lua_pushinteger(L, user->count);
  } else {
    luaL_pushfail(L);
    return 1;
  }
  return 3;
}

static int no_hook(lua_State *L) {
  (void)L;
  return 0;
}

/* Pushes the standard debug.sethook. */
static void push_stock_sethook(lua_State *L) {
  lua_pushcfunction(L, luaopen_debug);
  lua_call(L, 0, 1);
  lua_getfield(L, -1, "sethook");
  lua_remove(L, -2);
}

/* What that gives lua_sethook is seen on a coroutine of ours. */
void lib_debug_adopt(lua_State *L) {
  push_stock_sethook(L);
  lua_State *co = lua_newthread(L);
  lua_pushvalue(L, -2);
  lua_pushvalue(L, -2);
  lua_pushcfunction(L, no_hook);
  lua_pushliteral(L, "c");
  lua_call(L, 3, 0);
  lua_Hook stock = lua_gethook(co);
  lua_call(L, 1, 0); /* takes it off again */
  runtime_of(L)->stock_hook = stock;
  userhook_adopt(L, stock);
}

void lib_debug_yield(lua_State *L) {
  push_stock_sethook(L);
  userhook_yield(L, -1);
  lua_pop(L, 1);
}

void lib_debug_replace(lua_State *L) {
  static const luaL_Reg funcs[] = {{"gethook", debug_gethook}, {"sethook", debug_sethook}, {NULL, NULL}};
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (lua_getfield(L, -1, LUA_DBLIBNAME) == LUA_TTABLE) luaL_setfuncs(L, funcs, 0);
  lua_pop(L, 2);
}
