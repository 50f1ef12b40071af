/* Laying out gil.stats(). */
#include "interp/stats.h"

#include <lauxlib.h>
#include <limits.h>

#include "runtime/os/utf8.h"
#include "runtime/sync/lib_sync.h"

enum { NAME_COLUMN = 28 };

static lua_Integer field(lua_State *L, const char *name) {
  lua_getfield(L, -1, name);
  lua_Integer value = lua_tointeger(L, -1);
  lua_pop(L, 1);
  return value;
}

static double field_ms(lua_State *L, const char *name) { return (double)field(L, name) / 1e6; }

/* A name in a column: as many characters as have room. */
static void print_column(FILE *out, const char *text) {
  int written = utf8_print(out, text, NAME_COLUMN);
  fprintf(out, "%*s", NAME_COLUMN - written, "");
}

static void print_thread(lua_State *L, FILE *out) {
  lua_getfield(L, -1, "name");
  lua_getfield(L, -2, "longest_hold_at");
  const char *name = lua_tostring(L, -2), *at = lua_tostring(L, -1);
  lua_pop(L, 2);
  print_column(out, name);
  fprintf(out, " %12lld %11.2f %11.2f %8lld %11.3f ", (long long)field(L, "acquisitions"), field_ms(L, "held_ns"),
          field_ms(L, "waited_ns"), (long long)field(L, "forced_switches"), field_ms(L, "longest_hold_ns"));
  if (at != NULL) utf8_print(out, at, INT_MAX);
  fputc('\n', out);
}

/* Calls print for each entry of the list in that field of the table on top. */
static void each(lua_State *L, FILE *out, const char *list, bool backwards, void (*print)(lua_State *L, FILE *out),
                 const char *between) {
  lua_getfield(L, -1, list);
  lua_Integer n = luaL_len(L, -1);
  for (lua_Integer i = 1; i <= n; i++) {
    if (i > 1) fputs(between, out);
    lua_rawgeti(L, -1, backwards ? n + 1 - i : i);
    print(L, out);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

static void print_pool(lua_State *L, FILE *out) {
  lua_getfield(L, -1, "name");
  const char *name = lua_tostring(L, -1); /* in the table on */
  lua_pop(L, 1);
  lua_getfield(L, -1, "kind");
  const char *kind = lua_tostring(L, -1);
  lua_pop(L, 1);
  print_column(out, name);
  fprintf(out, " %-9s %8lld %10lld %10lld %9lld %11lld %11.2f\n", kind, (long long)field(L, "max_workers"),
          (long long)field(L, "submitted"), (long long)field(L, "finished"), (long long)field(L, "queued"),
          (long long)field(L, "most_queued"), field_ms(L, "busy_ns"));
}

static void print_pools(lua_State *L, FILE *out) {
  lua_getfield(L, -1, "pools");
  lua_Integer n = luaL_len(L, -1);
  lua_pop(L, 1);
  if (n == 0) return;
  fprintf(out, "\n%-28s %-9s %8s %10s %10s %9s %11s %11s\n", "pool", "of", "workers", "submitted", "finished", "queued",
          "most queued", "busy ms");
  each(L, out, "pools", false, print_pool, "");
}

static void print_table(lua_State *L, FILE *out) {
  fprintf(out, "\nlock: %lld switches, %lld of them forced, %lld signals\n", (long long)field(L, "switches"),
          (long long)field(L, "forced_switches"), (long long)field(L, "signals"));
  fprintf(out, "%-28s %12s %11s %11s %8s %11s %s\n", "thread", "acquisitions", "held ms", "waited ms", "forced",
          "longest ms", "longest at");
  each(L, out, "threads", true, print_thread, "");
  each(L, out, "ended", false, print_thread, "");
  print_pools(L, out);
}

static void print_json_string(FILE *out, const char *text) {
  fputc('"', out);
  for (size_t n; *text != '\0'; text += n) {
    n = utf8_length(text);
    if (n == 0) fputs("\\ufffd", out);
    else if (n == 1 && (*text < 0x20 || *text == '"' || *text == '\\' || *text == 0x7f)) fprintf(out, "\\u%04x", *text);
    else fwrite(text, 1, n, out);
    n += n == 0;
  }
  fputc('"', out);
}

static void print_json_text(lua_State *L, FILE *out, const char *name) {
  lua_getfield(L, -1, name);
  if (lua_isstring(L, -1)) {
    fprintf(out, ",\"%s\":", name);
    print_json_string(out, lua_tostring(L, -1));
  }
  lua_pop(L, 1);
}

static void print_json_thread(lua_State *L, FILE *out) {
  static const char *const counters[] = {"acquisitions", "held_ns", "waited_ns", "forced_switches", "longest_hold_ns"};
  fprintf(out, "{\"ident\":%lld", (long long)field(L, "ident"));
  print_json_text(L, out, "name");
  for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++)
    fprintf(out, ",\"%s\":%lld", counters[i], (long long)field(L, counters[i]));
  print_json_text(L, out, "longest_hold_at");
  fputc('}', out);
}

/* Those of the integers that the table on top has, each with a comma in front. */
static void print_json_integers(lua_State *L, FILE *out, const char *const *names) {
  for (; *names != NULL; names++) {
    if (lua_getfield(L, -1, *names) != LUA_TNIL) fprintf(out, ",\"%s\":%lld", *names, (long long)lua_tointeger(L, -1));
    lua_pop(L, 1);
  }
}

static void print_json_worker(lua_State *L, FILE *out) {
  static const char *const counters[] = {"pid", "busy_ns", NULL};
  fprintf(out, "{\"tasks\":%lld", (long long)field(L, "tasks"));
  print_json_text(L, out, "name");
  print_json_integers(L, out, counters);
  fputc('}', out);
}

static void print_json_pool(lua_State *L, FILE *out) {
  static const char *const counters[] = {"submitted", "finished", "queued", "most_queued", "busy_ns", NULL};
  fprintf(out, "{\"max_workers\":%lld", (long long)field(L, "max_workers"));
  print_json_text(L, out, "name");
  print_json_text(L, out, "kind");
  print_json_integers(L, out, counters);
  lua_getfield(L, -1, "ended");
  fprintf(out, ",\"ended\":%s,\"workers\":[", lua_toboolean(L, -1) ? "true" : "false");
  lua_pop(L, 1);
  each(L, out, "workers", false, print_json_worker, ",");
  fputs("]}", out);
}

static void print_json(lua_State *L, FILE *out) {
  fprintf(out, "{\"switches\":%lld,\"forced_switches\":%lld,\"signals\":%lld,\"threads\":[",
          (long long)field(L, "switches"),
          (long long)field(L, "forced_switches"), (long long)field(L, "signals"));
  each(L, out, "threads", true, print_json_thread, ",");
  fputs("],\"ended\":[", out);
  each(L, out, "ended", false, print_json_thread, ",");
  fputs("],\"pools\":[", out);
  each(L, out, "pools", false, print_json_pool, ",");
  fputs("]}\n", out);
}

void stats_print(lua_State *L, FILE *out, bool json) {
  luaL_requiref(L, "gilua.gil", lib_gil_open, 0);
  lua_getfield(L, -1, "stats");
  lua_call(L, 0, 1);
  if (json) print_json(L, out);
  else print_table(L, out);
  lua_pop(L, 2);
}
