/* Every declaration of the two headers, used by a program that is C11 and C++17 alike. */
#include <gilua.h>
#include <gilua_native.h>

#include "check.h"

static void add(void *arg) { ++*(int *)arg; }

/* work(): each call of gilua_native.h once; returns how many did what they should */
static int l_work(lua_State *L) {
  int done = 0, ran = 0, fds[2];
  gilua_Buffer buffer;
  gilua_module(L, "both", GILUA_MANY_RUNTIMES);
  gilua_blocking_begin(L);
  done++;
  gilua_blocking_end(L);
  GILUA_BLOCKING(L) { done++; }
  if (gilua_blocking_call(L, add, &ran, NULL, NULL) == GILUA_OK && ran == 1) done++;
  if (pipe(fds) == 0 && gilua_wait_fd(L, fds[1], POLLOUT, INT64_MAX) == POLLOUT &&
      gilua_wait_fd(L, fds[0], POLLIN, 0) == 0) done++;
  gilua_check(L);
  gilua_buffer_check(L, 1, "f64", &buffer);
  if (gilua_buffer_pin(L, 1) == GILUA_OK && buffer.length == 3 && buffer.item_size == 8 &&
      strcmp(buffer.type, "f64") == 0 &&
      ((double *)buffer.data)[2] == 3)
    done++;
  gilua_buffer_unpin(L, 1);
  lua_settop(L, 0);
  if (luaL_loadstring(L, "return ... + 1, 2") != LUA_OK) return lua_error(L);
  lua_pushinteger(L, 41);
  if (gilua_offload(L, 1, 1) == GILUA_OK && lua_gettop(L) == 1 && lua_tointeger(L, 1) == 42) done++;
  if (luaL_loadstring(L, "return ...") != LUA_OK) return lua_error(L);
  lua_pushinteger(L, 7);
  if (gilua_submit(L, 0, 1) == GILUA_OK && gilua_result(L, 1, INT64_MAX) == GILUA_OK &&
      lua_tointeger(L, -1) == 7) done++;
  close(fds[0]);
  close(fds[1]);
  lua_pushinteger(L, done);
  return 1;
}

static void on_error(void *data, const char *text) {
  (void)text;
  ++*(int *)data;
}

/* plain(): what a state without a runtime gets, whatever others of the process have */
static int l_plain(lua_State *L) {
  int done = 0, ran = 0, fds[2];
  gilua_module(L, "both", GILUA_MANY_RUNTIMES);
  GILUA_BLOCKING(L) { done++; }
  if (gilua_blocking_call(L, add, &ran, NULL, NULL) == GILUA_OK && ran == 1) done++;
  if (pipe(fds) == 0 && gilua_wait_fd(L, fds[1], POLLOUT, INT64_MAX) == POLLOUT &&
      gilua_wait_fd(L, fds[0], POLLIN, 0) == 0) done++;
  gilua_check(L);
  if (luaL_loadstring(L, "return ... + 1, 2") != LUA_OK) return lua_error(L);
  lua_pushinteger(L, 41);
  if (gilua_offload(L, 1, 1) == GILUA_OK && lua_gettop(L) == 1 && lua_tointeger(L, 1) == 42) done++;
  if (luaL_loadstring(L, "return ...") != LUA_OK) return lua_error(L);
  if (gilua_submit(L, 0, 0) == GILUA_ELUA && strstr(lua_tostring(L, -1), "no runtime") != NULL) done++;
  if (gilua_result(L, 1, INT64_MAX) == GILUA_ELUA && lua_gettop(L) == 2) done++;
  close(fds[0]);
  close(fds[1]);
  lua_pushinteger(L, done);
  return 1;
}

static void check_plain(lua_State *L) {
  lua_pushcfunction(L, l_plain);
  CHECK(lua_pcall(L, 0, 1, 0) == LUA_OK && lua_tointeger(L, -1) == 6);
  lua_pop(L, 1);
}

static void test_plain(void) {
  gilua_Runtime *rt = NULL, *attached = NULL;
  lua_State *L = NULL, *plain = luaL_newstate();
  check_plain(plain);
  CHECK(gilua_open(&rt, NULL) == GILUA_OK && gilua_enter(rt, &L) == GILUA_OK);
  CHECK(gilua_native(L) != NULL); /* from here on it is known without a look at the state */
  check_plain(plain);
  CHECK(gilua_leave(rt, L) == GILUA_OK);
  check_plain(plain);
  CHECK(gilua_attach(plain, NULL, &attached) == GILUA_OK && gilua_close(attached) == GILUA_OK);
  check_plain(plain);
  CHECK(gilua_close(rt) == GILUA_OK);
  check_plain(plain);
  lua_close(plain);
}

static void test_both(void) {
  gilua_Config config;
  gilua_Runtime *rt = NULL, *attached = NULL, *again = NULL;
  gilua_Stats stats;
  lua_State *L = NULL, *plain = luaL_newstate();
  int errors = 0;
  memset(&config, 0, sizeof config);
  config.policy = GILUA_POLICY_INTERVAL;
  config.preempt = GILUA_PREEMPT_SIGNAL;
  config.libraries = GILUA_LIB_ALL;
  config.on_error = on_error;
  config.on_error_data = &errors;
  CHECK(gilua_open(&rt, &config) == GILUA_OK && gilua_keep(rt) == GILUA_OK);
  gilua_drop(rt);
  CHECK(gilua_enter(rt, &L) == GILUA_OK);
  lua_register(L, "work", l_work);
  CHECK(luaL_loadstring(L, "return work(require'gilua.native'.buffer('f64', {1, 2, 3}))") == LUA_OK);
  CHECK(gilua_call(rt, L, 0, 1) == GILUA_OK && lua_tointeger(L, -1) == 7);
  CHECK(gilua_leave(rt, L) == GILUA_OK);
  CHECK(gilua_run_string(rt, "require'gilua.threading'.start(error, 'x'):join()", "=chunk") == GILUA_OK && errors == 1);
  CHECK(gilua_run_string(rt, "error 'boo'", NULL) == GILUA_ELUA && strstr(gilua_error(rt), "boo") != NULL);
  CHECK(gilua_run_file(rt, "/nowhere", 0, NULL) == GILUA_ELUA);
  CHECK(gilua_stats(rt, &stats) == GILUA_OK && stats.threads > 0 && stats.memory_bytes > 0);
  gilua_interrupt(rt); /* nothing runs */
  CHECK(gilua_interrupt_thread(rt, plain) == GILUA_EOUTSIDE && gilua_interrupt_thread(rt, L) == GILUA_OK);
  CHECK(gilua_run_string(rt, "for i = 1, 1e4 do end", NULL) == GILUA_OK);
  CHECK(gilua_close(rt) == GILUA_OK && strcmp(gilua_strerror(GILUA_OK), "no error") == 0);
  CHECK(gilua_attach(plain, NULL, &attached) == GILUA_OK && gilua_attach(plain, NULL, &again) == GILUA_EEXISTS);
  luaL_requiref(plain, "gilua", luaopen_gilua, 0);
  CHECK(gilua_close(attached) == GILUA_OK);
  lua_close(plain);
  for (int code = GILUA_EEXISTS; code <= GILUA_OK; code++) CHECK(strcmp(gilua_strerror(code), "unknown error") != 0);
}

int main(void) {
  TEST("a module works in a state without a runtime, beside others", test_plain(););
  TEST("every call of both headers", test_both(););
  return check_failures != 0;
}
