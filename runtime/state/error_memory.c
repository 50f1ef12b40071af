/* What a thread remembers of errors: where the newest came from, and which one was a request.
 *
 * A text that was raised has no identity: two errors may have the same. So a traceback that came from elsewhere counts for a
 * short text only while the function that brought it here is the one that raises.
 */
#include <lauxlib.h>

#include "runtime/state/error.h"
#include "runtime/state/tstate.h"

/* The members of Tstate.error_ref. RAISER: the value came from elsewhere and this C function raised it here, else false.
 * WHERE: one of the next enum. */
enum { KEPT_VALUE = 1, KEPT_TRACEBACK, KEPT_RAISER, KEPT_WHERE, KEPT_REQUEST, KEPT = KEPT_REQUEST };

/* What elsewhere was; a call that RAISER made, whose traceback goes down to it. */
enum { IN_A_TASK, IN_A_HANDLER, IN_A_CALL };

static const char *const headings[] = {[IN_A_TASK] = "raised again by who asked for the result:",
                                       [IN_A_HANDLER] = "raised by the handler of a signal that came amid this:",
                                       [IN_A_CALL] = NULL};

enum { SHORT_STRING = 40 }; /* longer ones are objects of their own: LUAI_MAXSHORTLEN */

/* Pushes the memory of the calling thread, made if it has none; false and nothing pushed: no such thread, or no memory yet. */
static bool push_memory(lua_State *L, bool make) {
  Tstate *ts = tstate_self();
  luaL_checkstack(L, 6, NULL);
  if (ts == NULL || (ts->error_ref == LUA_NOREF && !make)) return false;
  if (ts->error_ref == LUA_NOREF) {
    lua_createtable(L, KEPT, 0);
    for (int k = 1; k <= KEPT; k++) { /* so that setting them later needs no memory */
      lua_pushboolean(L, false);
      lua_rawseti(L, -2, k);
    }
    if (ts->error_ref == LUA_NOREF) ts->error_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    else lua_pop(L, 1); /* a finalizer made it meanwhile */
  }
  lua_rawgeti(L, LUA_REGISTRYINDEX, ts->error_ref);
  return true;
}

static void set(lua_State *L, int memory, int key, int i) {
  lua_pushvalue(L, i);
  lua_rawseti(L, memory, key);
}

/* Whether the memory at that index keeps the very value at i, both absolute, under that key. */
static bool keeps(lua_State *L, int memory, int key, int i) {
  lua_rawgeti(L, memory, key);
  const void *object = lua_topointer(L, -1);
  bool same = object != NULL ? object == lua_topointer(L, i) : lua_toboolean(L, -1) && lua_rawequal(L, -1, i);
  lua_pop(L, 1);
  return same;
}

/* Pushes the function at that level of the stack, or false. */
static void push_function(lua_State *L, int level) {
  lua_Debug ar;
  if (!lua_getstack(L, level, &ar) || !lua_getinfo(L, "f", &ar)) lua_pushboolean(L, false);
}

/* The running C function raises what the memory at that index keeps. */
static void set_raiser(lua_State *L, int memory, int where) {
  push_function(L, 0);
  lua_rawseti(L, memory, KEPT_RAISER);
  lua_pushinteger(L, where);
  lua_rawseti(L, memory, KEPT_WHERE);
}

void error_remember_traceback(lua_State *L, int i) {
  i = lua_absindex(L, i);
  int traceback = lua_gettop(L);
  if (push_memory(L, true)) {
    set(L, traceback + 1, KEPT_VALUE, i);
    set(L, traceback + 1, KEPT_TRACEBACK, traceback);
    set_raiser(L, traceback + 1, IN_A_TASK);
  }
  lua_settop(L, traceback - 1);
}

void error_remember_handler(lua_State *L, int i) {
  i = lua_absindex(L, i);
  int top = lua_gettop(L);
  error_push_traceback(L, i);
  if (!lua_isnil(L, -1) && push_memory(L, true)) {
    set(L, top + 2, KEPT_VALUE, i);
    set(L, top + 2, KEPT_TRACEBACK, top + 1);
    set_raiser(L, top + 2, IN_A_HANDLER);
  }
  lua_settop(L, top);
}

void error_forget(lua_State *L) {
  if (!push_memory(L, false)) return;
  lua_pushboolean(L, false);
  lua_rawseti(L, -2, KEPT_VALUE);
  lua_pop(L, 1);
}

int error_call(lua_State *L, int nargs, int nresults) {
  luaL_checkstack(L, 2, NULL);
  int handler = lua_gettop(L) - nargs;
  lua_pushcfunction(L, error_traceback_handler);
  lua_insert(L, handler);
  int status = lua_pcall(L, nargs, nresults, handler);
  lua_remove(L, handler);
  return status;
}

int error_pass_on(lua_State *L, int status) {
  int error = lua_gettop(L);
  if (status == LUA_ERRRUN && !error_is(L, error, NULL) && push_memory(L, false) && keeps(L, error + 1, KEPT_VALUE, error))
    set_raiser(L, error + 1, IN_A_CALL);
  lua_settop(L, error);
  return lua_error(L);
}

/* Does the function below the message handler raise what the memory on top of the stack keeps? */
static bool raised_by_raiser(lua_State *L) {
  int memory = lua_gettop(L);
  push_function(L, 1);
  bool same = keeps(L, memory, KEPT_RAISER, memory + 1);
  lua_pop(L, 1);
  return same;
}

const char *error_take_remote(lua_State *L, int i) {
  i = lua_absindex(L, i);
  lua_pushnil(L);
  if (!push_memory(L, false)) return "";
  const char *heading = "";
  lua_rawgeti(L, -1, KEPT_RAISER);
  bool remote = lua_toboolean(L, -1);
  lua_pop(L, 1);
  bool has_identity = lua_type(L, i) != LUA_TSTRING || lua_rawlen(L, i) > SHORT_STRING;
  if (remote && keeps(L, lua_gettop(L), KEPT_VALUE, i) && (has_identity || raised_by_raiser(L))) {
    lua_rawgeti(L, -1, KEPT_WHERE);
    heading = headings[lua_tointeger(L, -1)];
    lua_rawgeti(L, -2, KEPT_TRACEBACK);
    lua_replace(L, -4);
    lua_pop(L, 1);
    lua_pushboolean(L, false);
    lua_rawseti(L, -2, KEPT_RAISER);
  }
  lua_pop(L, 1);
  return heading;
}

/* Pushes the traceback of where L is, below that of where the value at 1 was raised first. */
static void push_whole_traceback(lua_State *L) {
  const char *heading = error_take_remote(L, 1);
  if (heading == NULL) return;
  luaL_traceback(L, L, NULL, 1);
  if (lua_isnil(L, -2)) return;
  lua_pushfstring(L, "%s\n%s\n%s", lua_tostring(L, -2), heading, lua_tostring(L, -1));
}

int error_traceback_handler(lua_State *L) {
  lua_settop(L, 1);
  if (!lua_checkstack(L, 16)) return 1;
  if (error_is(L, 1, NULL)) {
    if (lua_getfield(L, 1, "traceback") == LUA_TNIL) {
      luaL_traceback(L, L, NULL, 1);
      lua_setfield(L, 1, "traceback");
    }
  } else {
    push_whole_traceback(L);
    int traceback = lua_gettop(L);
    if (push_memory(L, true)) {
      lua_pushboolean(L, false);
      set(L, traceback + 1, KEPT_VALUE, 1);
      set(L, traceback + 1, KEPT_TRACEBACK, traceback);
      set(L, traceback + 1, KEPT_RAISER, traceback + 2);
    }
  }
  lua_settop(L, 1);
  return 1;
}

void error_push_traceback(lua_State *L, int i) {
  i = lua_absindex(L, i);
  if (error_is(L, i, NULL)) {
    lua_getfield(L, i, "traceback");
    return;
  }
  lua_pushnil(L);
  if (!push_memory(L, false)) return;
  if (keeps(L, lua_gettop(L), KEPT_VALUE, i)) {
    lua_rawgeti(L, -1, KEPT_TRACEBACK);
    lua_replace(L, -3);
  }
  lua_pop(L, 1);
}

const char *error_push_report(lua_State *L, int i) {
  i = lua_absindex(L, i);
  const char *text = error_push_text(L, i);
  error_push_traceback(L, i);
  const char *trace = error_is(L, i, NULL) ? NULL : lua_tostring(L, -1); /* an error object tells its own */
  text = lua_pushfstring(L, "%s%s%s", text, trace != NULL ? "\n" : "", trace != NULL ? trace : "");
  lua_replace(L, -3);
  lua_pop(L, 1);
  return text;
}

void error_note_request(lua_State *L) {
  int error = lua_gettop(L);
  if (push_memory(L, true)) set(L, error + 1, KEPT_REQUEST, error);
  lua_settop(L, error);
}

bool error_is_request(lua_State *L, int i) {
  i = lua_absindex(L, i);
  bool is = push_memory(L, false);
  if (is) {
    is = keeps(L, lua_gettop(L), KEPT_REQUEST, i);
    lua_pop(L, 1);
  }
  return is;
}
