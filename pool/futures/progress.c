/* Drawing progress. */
#include "pool/futures/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "runtime/os/clock.h"
#include "runtime/state/object.h"

enum { EVERY_NS = 100000000, BAR = 30 };

void progress_begin(Progress *p, int64_t total) {
  int64_t now = clock_ns();
  *p = (Progress){.shown = isatty(STDERR_FILENO) == 1, .total = total, .since = now, .newest = now};
}

void progress_format(const Progress *p, int64_t now, char *text, int size) {
  double seconds = (double)(now - p->since) / 1e9, rate = seconds > 0 ? (double)p->done / seconds : 0;
  if (p->total <= 0) {
    snprintf(text, (size_t)size, "%lld done, %.1f s, %.1f/s", (long long)p->done, seconds, rate);
    return;
  }
  int64_t done = p->done < p->total ? p->done : p->total;
  char bar[BAR + 1];
  for (int i = 0; i < BAR; i++) bar[i] = i < (int)(done * BAR / p->total) ? '#' : '-';
  bar[BAR] = '\0';
  snprintf(text, (size_t)size, "%3d%% [%s] %lld/%lld, %.1f s, %.1f/s", (int)(done * 100 / p->total), bar,
           (long long)p->done, (long long)p->total, seconds, rate);
}

static void draw(Progress *p, int64_t now) {
  char text[160];
  progress_format(p, now, text, sizeof text);
  fprintf(stderr, "\r\033[K%s", text);
  fflush(stderr);
  p->newest = now;
  p->drawn = true;
}

void progress_step(Progress *p) {
  p->done++;
  if (!p->shown) return;
  int64_t now = clock_ns();
  if (now - p->newest >= EVERY_NS) draw(p, now);
}

void progress_end(Progress *p) {
  if (!p->shown) return;
  p->shown = false;
  draw(p, clock_ns());
  fputc('\n', stderr);
}

/* --- futures.progress --- */

typedef struct ProgressObject {
  ObjectHead head;
  Progress progress;
} ProgressObject;

static const ObjectType progress_type;

static int progress_close(lua_State *L) {
  ProgressObject *o = object_check(L, 1, &progress_type);
  progress_end(&o->progress);
  return 0;
}

static const luaL_Reg no_methods[] = {{NULL, NULL}};
static const luaL_Reg progress_meta[] = {{"__close", progress_close}, {NULL, NULL}};
static const ObjectType progress_type = {
    .name = "gilua.Progress", .size = sizeof(ProgressObject), .methods = no_methods, .meta = progress_meta};

/* the iterator; upvalues: the one inside, the ProgressObject */
static int next_step(lua_State *L) {
  ProgressObject *o = lua_touserdata(L, lua_upvalueindex(2));
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
  if (lua_isnoneornil(L, 1)) progress_end(&o->progress);
  else progress_step(&o->progress);
  return lua_gettop(L);
}

int progress_wrap(lua_State *L) {
  object_check_callable(L, 1);
  lua_Integer total = luaL_optinteger(L, 2, -1);
  lua_settop(L, 1);
  ProgressObject *o = object_new(L, &progress_type, 0);
  progress_begin(&o->progress, total);
  lua_pushvalue(L, 1);
  lua_pushvalue(L, 2);
  lua_pushcclosure(L, next_step, 2);
  lua_pushnil(L);
  lua_pushnil(L);
  lua_pushvalue(L, 2);
  return 4;
}
