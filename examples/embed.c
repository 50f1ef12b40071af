/* An embedding program: a runtime, a function of the host for its scripts, a script with arguments, threads in Lua.
 *
 *   cc examples/embed.c $(pkg-config --cflags --libs gilua) -o embed && ./embed examples/embed.lua one two
 */
#include <gilua.h>
#include <lauxlib.h>
#include <stdio.h>

static void on_error(void *data, const char *text) {
  fprintf(stderr, "%s: %s\n", (const char *)data, text);
}

static int l_greet(lua_State *L) {
  printf("hello, %s\n", luaL_checkstring(L, 1));
  return 0;
}

static void give_functions(gilua_Runtime *rt) {
  lua_State *L;
  if (gilua_enter(rt, &L) != 0) return;
  lua_register(L, "greet", l_greet);
  gilua_leave(rt, L);
}

int main(int argc, char **argv) {
  gilua_Config config = {.handle_sigint = 1, .on_error = on_error, .on_error_data = argv[0]};
  gilua_Runtime *rt;
  if (argc < 2) return fprintf(stderr, "usage: %s script.lua [args]\n", argv[0]), 2;
  int err = gilua_open(&rt, &config);
  if (err != 0) return fprintf(stderr, "%s: %s\n", argv[0], gilua_strerror(err)), 1;
  give_functions(rt);
  err = gilua_run_file(rt, argv[1], argc - 1, argv + 1);
  if (err != 0) fprintf(stderr, "%s: %s\n", argv[0], err == GILUA_ELUA ? gilua_error(rt) : gilua_strerror(err));
  gilua_close(rt);
  return err != 0;
}
