/* A host has functions of its own that are called as some of gilua's are: each calls its own. */
#include "host.h"

int buffer_free(void *x);
int heap_bytes(void);
int gil_take(int x);
int runtime_open(void);

int buffer_free(void *x) { return x == NULL ? 1 : 0; }
int heap_bytes(void) { return 2; }
int gil_take(int x) { return x + 3; }
int runtime_open(void) { return 4; }

static void test_own_names(void) {
  gilua_Runtime *rt = opened(NULL);
  CHECK(runs(rt, "local b = require 'gilua.native'.buffer('u8', 9) b = nil collectgarbage()"));
  CHECK(buffer_free(NULL) + heap_bytes() + gil_take(0) + runtime_open() == 10);
  CHECK(gilua_close(rt) == 0);
}

int main(void) {
  TEST("a host's functions are its own, whatever they are called", test_own_names(););
  return check_failures != 0;
}
