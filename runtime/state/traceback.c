/* Reading frames. */
#include "runtime/state/traceback.h"

#include <limits.h>

#include "runtime/os/utf8.h"

enum { FIRST_FRAMES = 22, LAST_FRAMES = 10 };

bool traceback_line(lua_State *L, lua_Debug *ar) {
  for (int level = 0; lua_getstack(L, level, ar); level++)
    if (lua_getinfo(L, "Sl", ar) && ar->currentline >= 0) return true;
  return false;
}

void traceback_where(lua_State *L, char *at, size_t n) {
  lua_Debug ar;
  if (traceback_line(L, &ar)) snprintf(at, n, "%s:%d", ar.short_src, ar.currentline);
  else if (n > 0) at[0] = '\0';
}

static void print_function(FILE *out, const lua_Debug *ar) {
  if (*ar->namewhat != '\0') {
    fprintf(out, "%s '", ar->namewhat);
    utf8_print(out, ar->name, INT_MAX);
    fputc('\'', out);
  } else if (*ar->what == 'm') {
    fputs("main chunk", out);
  } else if (*ar->what == 'C') {
    fputs("C function", out);
  } else {
    fputs("function <", out);
    utf8_print(out, ar->short_src, INT_MAX);
    fprintf(out, ":%d>", ar->linedefined);
  }
}

static void print_frame(FILE *out, lua_State *L, lua_Debug *ar) {
  lua_getinfo(L, "Slnt", ar);
  fputs("    ", out);
  utf8_print(out, ar->short_src, INT_MAX);
  fputc(':', out);
  if (ar->currentline > 0) fprintf(out, "%d:", ar->currentline);
  fputs(" in ", out);
  print_function(out, ar);
  fputs(ar->istailcall ? "\n    (...tail calls...)\n" : "\n", out);
}

/* As in lauxlib: doubling, then halving the distance. */
static int depth_of(lua_State *L) {
  lua_Debug ar;
  int low = 0, high = 1;
  while (lua_getstack(L, high, &ar)) {
    low = high;
    high *= 2;
  }
  while (low + 1 < high) {
    int middle = (low + high) / 2;
    if (lua_getstack(L, middle, &ar)) low = middle;
    else high = middle;
  }
  return lua_getstack(L, 0, &ar) ? high : 0;
}

void traceback_print(FILE *out, lua_State *L) {
  lua_Debug ar;
  int depth = depth_of(L);
  for (int level = 0; lua_getstack(L, level, &ar); level++) {
    if (level == FIRST_FRAMES && depth > FIRST_FRAMES + LAST_FRAMES) {
      fprintf(out, "    ... (%d more)\n", depth - FIRST_FRAMES - LAST_FRAMES);
      level = depth - LAST_FRAMES - 1;
      continue;
    }
    print_frame(out, L, &ar);
  }
}
