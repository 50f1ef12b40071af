/* What the codec cannot be faster than: the same tables walked, or built, through Lua's C API and nothing else.
 * usage: pickle_bare N records|records_keyed|ints walk|build */
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runtime/heap/heap.h"

enum { REPEATS = 5 };

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Reads every value of the table on top, and of those in it. */
static size_t walk(lua_State *L) {
  size_t sum = 0, size;
  int table = lua_gettop(L);
  lua_pushnil(L);
  while (lua_next(L, table)) {
    switch (lua_type(L, -1)) {
      case LUA_TNUMBER: sum += lua_isinteger(L, -1) ? (size_t)lua_tointeger(L, -1) : (size_t)lua_tonumber(L, -1); break;
      case LUA_TSTRING: sum += (size_t)*lua_tolstring(L, -1, &size) + size; break;
      case LUA_TTABLE: sum += walk(L); break;
      default: break;
    }
    lua_pop(L, 1);
  }
  return sum;
}

static void build(lua_State *L, long n, const char *kind, char (*names)[24]) {
  bool ints = strcmp(kind, "ints") == 0, keyed = strcmp(kind, "records_keyed") == 0;
  lua_createtable(L, (int)n, 0);
  for (long i = 1; i <= n; i++) {
    if (ints) {
      lua_pushinteger(L, i);
    } else {
      lua_createtable(L, keyed ? 0 : 3, keyed ? 3 : 0);
      lua_pushinteger(L, i);
      if (keyed) lua_setfield(L, -2, "id");
      else lua_rawseti(L, -2, 1);
      lua_pushnumber(L, (lua_Number)i * 0.5);
      if (keyed) lua_setfield(L, -2, "x");
      else lua_rawseti(L, -2, 2);
      lua_pushlstring(L, names[i - 1], 16);
      if (keyed) lua_setfield(L, -2, "name");
      else lua_rawseti(L, -2, 3);
    }
    lua_rawseti(L, -2, i);
  }
}

static int compare(const void *a, const void *b) { return *(const double *)a > *(const double *)b ? 1 : -1; }

int main(int argc, char **argv) {
  if (argc < 4) return fputs("usage: pickle_bare N records|records_keyed|ints walk|build\n", stderr), 2;
  long n = strtol(argv[1], NULL, 10);
  Heap *heap = heap_new(0);
  lua_State *L = lua_newstate(heap_alloc, heap);
  char(*names)[24] = malloc((size_t)n * sizeof *names);
  double times[REPEATS];
  size_t sum = 0;
  if (L == NULL || names == NULL) abort();
  for (long i = 0; i < n; i++) snprintf(names[i], sizeof *names, "name%012ld", i + 1);
  build(L, n, argv[2], names); /* stays, as the original does beside its copy */
  for (int i = 0; i < REPEATS; i++) {
    lua_gc(L, LUA_GCCOLLECT);
    double start = now();
    if (strcmp(argv[3], "walk") == 0) sum += walk(L);
    else build(L, n, argv[2], names);
    times[i] = now() - start;
    lua_settop(L, 1);
  }
  qsort(times, REPEATS, sizeof *times, compare);
  printf("{\"bench\":\"pickle_bare.%s.%s\",\"n\":%ld,\"sum\":%zu,\"seconds\":%.6f,\"per_op_ns\":%.3f}\n", argv[2], argv[3], n,
         sum, times[2], times[2] * 1e9 / (double)n);
  return 0;
}
