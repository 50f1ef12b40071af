/* Protected calls and their error messages, worded as by `lua` 5.4. */
#include "interp/run.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "runtime/io/lib_io.h"
#include "runtime/state/error.h"

#define PROGNAME "gilua.progname"

void run_set_progname(lua_State *L, const char *name) {
  lua_pushstring(L, name);
  lua_setfield(L, LUA_REGISTRYINDEX, PROGNAME);
}

void run_message(lua_State *L, const char *text) {
  lua_getfield(L, LUA_REGISTRYINDEX, PROGNAME);
  const char *name = lua_tostring(L, -1);
  if (name != NULL) fprintf(stderr, "%s: ", name);
  fprintf(stderr, "%s\n", text);
  fflush(stderr);
  lua_pop(L, 1);
}

static int text_of_error(lua_State *L) {
  luaL_tolstring(L, 1, NULL);
  return 1;
}

void run_error_to_text(lua_State *L) {
  if (!error_is(L, -1, NULL)) return;
  lua_pushcfunction(L, text_of_error);
  lua_insert(L, -2);
  lua_pcall(L, 1, 1, 0);
}

bool run_report(lua_State *L, int status) {
  if (status == LUA_OK) return true;
  run_error_to_text(L);
  const char *text = lua_tostring(L, -1);
  run_message(L, text != NULL ? text : "(error message not a string)");
  lua_pop(L, 1);
  return false;
}

static int message_handler(lua_State *L) {
  const char *text = lua_tostring(L, 1);
  bool is_object = error_is(L, 1, NULL);
  const char *heading = error_take_remote(L, 1);
  const char *remote = lua_tostring(L, 2);
  if (is_object && remote == NULL) { /* as it is: <close> variables ask it for its kind; its text has the traceback */
    lua_settop(L, 1);
    return error_traceback_handler(L);
  }
  if (text == NULL) {
    if (is_object) error_traceback_handler(L);
    bool told = luaL_callmeta(L, 1, "__tostring") && lua_type(L, -1) == LUA_TSTRING;
    if (told && !is_object) return 1;
    text = told ? lua_tostring(L, -1) : lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, 1));
  }
  if (remote != NULL && !is_object) text = lua_pushfstring(L, "%s\n%s", text, remote);
  if (heading == NULL) return 1;
  if (remote != NULL) text = lua_pushfstring(L, "%s\n%s", text, heading);
  luaL_traceback(L, L, text, 1);
  return 1;
}

int run_call(lua_State *L, int nargs, int nresults) {
  int base = lua_gettop(L) - nargs;
  lua_pushcfunction(L, message_handler);
  lua_insert(L, base);
  int status = lua_pcall(L, nargs, nresults, base);
  lua_remove(L, base);
  if (status != LUA_OK) run_error_to_text(L); /* that has the traceback */
  return status;
}

static bool run_chunk(lua_State *L, int status) {
  if (status == LUA_OK) status = run_call(L, 0, 0);
  return run_report(L, status);
}

bool run_file(lua_State *L, const char *name) { return run_chunk(L, lib_io_load(L, name)); }

bool run_string(lua_State *L, const char *code, const char *chunkname) {
  return run_chunk(L, luaL_loadbuffer(L, code, strlen(code), chunkname));
}

bool run_library(lua_State *L, const char *spec) {
  const char *equals = strchr(spec, '=');
  lua_pushlstring(L, spec, equals != NULL ? (size_t)(equals - spec) : strlen(spec)); /* the global's name */
  lua_getglobal(L, "require");
  lua_pushstring(L, equals != NULL ? equals + 1 : spec);
  int status = run_call(L, 1, 1);
  if (status == LUA_OK) lua_setglobal(L, lua_tostring(L, -2));
  bool ok = run_report(L, status);
  lua_pop(L, 1);
  return ok;
}

static int push_args(lua_State *L) {
  if (lua_getglobal(L, "arg") != LUA_TTABLE) luaL_error(L, "'arg' is not a table");
  int n = (int)luaL_len(L, -1);
  luaL_checkstack(L, n + 3, "too many arguments to script");
  for (int i = 1; i <= n; i++) lua_rawgeti(L, -i, i);
  lua_remove(L, -n - 1);
  return n;
}

bool run_load(lua_State *L, char **argv) {
  bool from_stdin = strcmp(argv[0], "-") == 0 && strcmp(argv[-1], "--") != 0;
  int status = lib_io_load(L, from_stdin ? NULL : argv[0]);
  return status == LUA_OK || run_report(L, status);
}

bool run_loaded(lua_State *L) { return run_report(L, run_call(L, push_args(L), LUA_MULTRET)); }

bool run_script(lua_State *L, char **argv) { return run_load(L, argv) && run_loaded(L); }
