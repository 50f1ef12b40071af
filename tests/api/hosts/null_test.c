/* gilua.h: pointers that are NULL. */
#include "host.h"

static void test_without_runtime(void) {
  lua_State *L = (lua_State *)&L;
  gilua_Stats stats;
  CHECK(gilua_close(NULL) == GILUA_OK);
  gilua_drop(NULL);
  gilua_interrupt(NULL);
  CHECK(gilua_enter(NULL, &L) == GILUA_EINVAL && L == NULL && gilua_enter(NULL, NULL) == GILUA_EINVAL);
  CHECK(gilua_leave(NULL, L) == GILUA_EINVAL && gilua_keep(NULL) == GILUA_EINVAL);
  CHECK(gilua_run_string(NULL, "", NULL) == GILUA_EINVAL && gilua_run_file(NULL, "x", 0, NULL) == GILUA_EINVAL);
  CHECK(gilua_call(NULL, L, 0, 0) == GILUA_EINVAL && gilua_stats(NULL, &stats) == GILUA_EINVAL);
  CHECK(gilua_interrupt_thread(NULL, L) == GILUA_EINVAL && strcmp(gilua_error(NULL), "") == 0);
  CHECK(gilua_open(NULL, NULL) == GILUA_EINVAL);
}

static void test_in_a_runtime(void) {
  gilua_Runtime *rt = opened(NULL), *other = rt;
  lua_State *L;
  char *argv[] = {NULL};
  CHECK(gilua_enter(rt, NULL) == GILUA_EINVAL && gilua_leave(rt, NULL) == GILUA_EINVAL);
  CHECK(gilua_run_string(rt, NULL, "x") == GILUA_EINVAL && gilua_stats(rt, NULL) == GILUA_EINVAL);
  CHECK(gilua_run_file(rt, "x", 1, NULL) == GILUA_EINVAL && gilua_run_file(rt, "/nowhere", 0, argv) == GILUA_ELUA);
  CHECK(gilua_run_file(rt, "x", -1, argv) == GILUA_EINVAL && gilua_interrupt_thread(rt, NULL) == GILUA_EINVAL);
  CHECK(gilua_enter(rt, &L) == 0 && gilua_leave(rt, NULL) == GILUA_EINVAL); /* and is still inside */
  CHECK(gilua_call(rt, NULL, 0, 0) == GILUA_EINVAL && gilua_call(rt, L, -1, 0) == GILUA_EINVAL);
  CHECK(gilua_call(rt, L, 0, 0) == GILUA_EINVAL && gilua_call(rt, L, 0, -2) == GILUA_EINVAL); /* no function there */
  CHECK(gilua_attach(L, NULL, NULL) == GILUA_EINVAL && gilua_attach(NULL, NULL, &other) == GILUA_EINVAL && other == NULL);
  CHECK(gilua_leave(rt, L) == 0 && gilua_close(rt) == 0);
}

int main(void) {
  TEST("without a runtime every call says so, or does nothing", test_without_runtime(););
  TEST("other pointers that are missing are invalid", test_in_a_runtime(););
  return check_failures != 0;
}
