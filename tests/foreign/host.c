/* A host that runs SCRIPT [ARGUMENTS] with one of the ways in which threads can be preempted, as compiled (MODE): "signal", "count",
 * "ticks", or "attached": a state of its own, with lua.c's handler of Ctrl-C. */
#include <lauxlib.h>
#include <lualib.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "interp/gilua.h"

static lua_State *attached;

static int fail(const char *what, const char *text) {
  fprintf(stderr, "host: %s: %s\n", what, text);
  return 1;
}

static void stop(lua_State *L, lua_Debug *ar) {
  (void)ar;
  lua_sethook(L, NULL, 0, 0);
  luaL_error(L, "interrupted!");
}

static void on_ctrl_c(int sig) {
  (void)sig;
  lua_sethook(attached, stop, LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT, 1);
}

static void set_arg(lua_State *L, int argc, char **argv) {
  lua_createtable(L, argc, 1);
  for (int i = 0; i < argc; i++) {
    lua_pushstring(L, argv[i]);
    lua_rawseti(L, -2, i - 1);
  }
  lua_setglobal(L, "arg");
}

static int run_attached(int argc, char **argv) {
  lua_State *L = attached = luaL_newstate();
  gilua_Runtime *rt;
  luaL_openlibs(L);
  int err = gilua_attach(L, NULL, &rt);
  if (err != GILUA_OK) return fail("attach", gilua_strerror(err));
  signal(SIGINT, on_ctrl_c);
  set_arg(L, argc, argv);
  int failed = luaL_dofile(L, argv[1]) == LUA_OK ? 0 : fail(argv[1], luaL_tolstring(L, -1, NULL));
  lua_close(L);
  return failed;
}

int main(int argc, char **argv) {
  if (argc < 2) return fail("usage", "host SCRIPT [ARGUMENTS]");
  if (strcmp(MODE, "attached") == 0) return run_attached(argc, argv);
  gilua_Config config = {.handle_sigint = 1, .handle_signals = 1};
  gilua_Runtime *rt;
  if (strcmp(MODE, "count") == 0) config.preempt = GILUA_PREEMPT_COUNT;
  if (strcmp(MODE, "ticks") == 0) config.policy = GILUA_POLICY_TICKS;
  int err = gilua_open(&rt, &config);
  if (err == GILUA_OK) err = gilua_run_file(rt, argv[1], argc - 1, argv + 1);
  if (err != GILUA_OK) return fail(argv[1], err == GILUA_ELUA ? gilua_error(rt) : gilua_strerror(err));
  return gilua_close(rt) != GILUA_OK;
}
