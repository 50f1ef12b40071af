/* Looking for the message handler on the stack, and putting another in its place.
 *
 * The standard xpcall keeps its handler as its second value, where the error finds it, and debug.setlocal reaches the values of C
 * functions. A handler is known by its function, and by standing right above `error` or `assert`, which call nothing else, if it
 * left itself by a tail call. Above other functions what it left itself for looks as what a metamethod or a callback left itself
 * for (from Lua 5.4.6 on even its place in the stack is the same), whose errors the handler is to hear: there it is not known.
 * One that runs for an error that the hook raised is called inside the hook, where Lua calls no other: only a second Ctrl-C ends
 * that.
 */
#include "runtime/state/bypass.h"

#include <lauxlib.h>

enum { FRAMES = 500, HANDLER = 2 }; /* frames that are looked at: finding each takes as many steps as it is deep */

static lua_CFunction global(lua_State *L, const char *name) {
  lua_pushglobaltable(L);
  lua_pushstring(L, name);
  lua_rawget(L, -2);
  lua_CFunction f = lua_tocfunction(L, -1);
  lua_pop(L, 2);
  return f;
}

void bypass_note(lua_State *L, Runtime *rt) {
  rt->xpcall = global(L, "xpcall");
  rt->pcall = global(L, "pcall");
  rt->error = global(L, "error");
  rt->assert_ = global(L, "assert");
}

/* Pushes the function at that level of the stack; false: there is none. */
static bool push_function(lua_State *L, int level, lua_Debug *ar) {
  return lua_getstack(L, level, ar) && lua_getinfo(L, "f", ar);
}

/* The level of the innermost xpcall, its frame in *ar; -1 if a pcall is nearer, or there is none. */
static int find_xpcall(lua_State *L, const Runtime *rt, lua_Debug *ar) {
  for (int level = 0; level < FRAMES && push_function(L, level, ar); level++) {
    lua_CFunction f = lua_tocfunction(L, -1);
    lua_pop(L, 1);
    if (f != NULL && f == rt->xpcall) return level;
    if (f != NULL && f == rt->pcall) return -1;
  }
  return -1;
}

/* A function of the base library that calls no other but by raising. */
static bool only_raises(const Runtime *rt, lua_CFunction f) { return f != NULL && (f == rt->error || f == rt->assert_); }

/* Whether the function on top of the stack, or what it left itself for, runs in the frames above that level. */
static bool runs(lua_State *L, const Runtime *rt, int level) {
  lua_Debug ar;
  bool found = false;
  for (int i = 0; i < level && !found && push_function(L, i, &ar); i++) {
    found = lua_rawequal(L, -1, -2) || (i > 0 && only_raises(rt, lua_tocfunction(L, -1)));
    lua_pop(L, 1);
  }
  return found;
}

/* (error) -> the same */
static int pass(lua_State *L) {
  lua_settop(L, 1);
  return 1;
}

void bypass_handler(lua_State *L, const Runtime *rt) {
  lua_Debug ar;
  if (rt->xpcall == NULL || !lua_checkstack(L, 4)) return;
  int level = find_xpcall(L, rt, &ar);
  if (level < 0 || lua_getlocal(L, &ar, HANDLER) == NULL) return;
  bool is_running = runs(L, rt, level);
  lua_pop(L, 1);
  if (!is_running) return;
  lua_pushcfunction(L, pass);
  lua_setlocal(L, &ar, HANDLER);
}
