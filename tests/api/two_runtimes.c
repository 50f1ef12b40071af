/* Loads native_module into two runtimes at once; with an argument both must succeed. */
#include <gilua.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
  static const char load[] = "require 'native_module'";
  gilua_Runtime *a, *b, *c;
  int many = argc > 1;
  (void)argv;
  if (gilua_open(&a, NULL) != 0 || gilua_open(&b, NULL) != 0) return 1;
  if (gilua_run_string(a, load, NULL) != 0) return fprintf(stderr, "%s\n", gilua_error(a)), 2;
  int err = gilua_run_string(b, load, NULL);
  if (many ? err != 0 : err == 0) return 3;
  if (!many && strstr(gilua_error(b), "in use in another runtime") == NULL)
    return fprintf(stderr, "%s\n", gilua_error(b)), 4;
  gilua_close(a);
  if (gilua_open(&c, NULL) != 0 || gilua_run_string(c, load, NULL) != 0)
    return fprintf(stderr, "%s\n", gilua_error(b)), 5;
  return gilua_close(c) != 0 || gilua_close(b) != 0;
}
