/* Running code for a host: gilua_call, gilua_run_…, gilua_error, gilua_stats. */
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "interp/embed.h"
#include "interp/run.h"
#include "runtime/io/lib_io.h"
#include "pool/futures/lib_counters.h"
#include "runtime/state/process.h"
#include "runtime/state/request.h"
#include "runtime/state/tstate.h"
#include "runtime/thread/visit.h"

/* One that came when what it was meant for had ended: nothing of Lua runs on L. */
static void drop_late_interrupt(lua_State *L) {
  lua_Debug ar;
  if (lua_getstack(L, 0, &ar) == 0) request_drop_interrupt(tstate_self());
}

int gilua_call(gilua_Runtime *rt, lua_State *L, int nargs, int nresults) {
  if (rt == NULL || L == NULL || nargs < 0 || nresults < LUA_MULTRET) return GILUA_EINVAL;
  if (!visit_is_inside(rt)) return GILUA_EOUTSIDE;
  if (lua_gettop(L) <= nargs) return GILUA_EINVAL;
  drop_late_interrupt(L);
  return run_call(L, nargs, nresults) == LUA_OK ? GILUA_OK : GILUA_ELUA;
}

/* What is to be run; on the stack of the C function, which Lua calls protected. */
typedef struct Chunk {
  const char *code, *name; /* a string, or … */
  const char *path;        /* … a file; NULL: stdin */
  int argc;
  char **argv;
} Chunk;

static void set_arg(lua_State *L, const Chunk *c) {
  lua_createtable(L, c->argc, 1);
  if (c->argc == 0 && c->path != NULL) {
    lua_pushstring(L, c->path);
    lua_rawseti(L, -2, 0);
  }
  for (int i = 0; i < c->argc; i++) {
    lua_pushstring(L, c->argv[i]);
    lua_rawseti(L, -2, i);
  }
  lua_setglobal(L, "arg");
}

/* Other threads run while it is read; the files of an attached state are the host's. */
static int load_file(lua_State *L, const char *path) {
  return runtime_of(L)->attached ? luaL_loadfile(L, path) : lib_io_load(L, path);
}

static int run_chunk(lua_State *L) {
  const Chunk *c = lua_touserdata(L, 1);
  lua_settop(L, 0);
  int status = c->code != NULL ? luaL_loadbufferx(L, c->code, strlen(c->code), c->name, "t")
                               : load_file(L, c->path);
  if (status != LUA_OK) return lua_error(L);
  if (c->code != NULL) {
    lua_call(L, 0, 0);
    return 0;
  }
  set_arg(L, c);
  luaL_checkstack(L, c->argc, "too many arguments");
  for (int i = 1; i < c->argc; i++) lua_pushstring(L, c->argv[i]);
  lua_call(L, c->argc > 1 ? c->argc - 1 : 0, 0);
  return 0;
}

/* Keeps the text on top of the stack for gilua_error; without memory there is none. */
static void keep_text(lua_State *L) {
  const char *text = lua_tostring(L, -1);
  process_set_error(text != NULL ? text : "(error object is not a string)");
}

static int run(gilua_Runtime *rt, Chunk *c) {
  lua_State *L;
  int err = gilua_enter(rt, &L);
  if (err != GILUA_OK) return err;
  int top = lua_gettop(L);
  if (!lua_checkstack(L, 4)) {
    err = GILUA_ENOMEM;
  } else {
    drop_late_interrupt(L);
    lua_pushcfunction(L, run_chunk);
    lua_pushlightuserdata(L, c);
    if (run_call(L, 1, 0) != LUA_OK) {
      keep_text(L);
      err = GILUA_ELUA;
    }
    lua_settop(L, top);
  }
  gilua_leave(rt, L);
  return err;
}

int gilua_run_string(gilua_Runtime *rt, const char *code, const char *chunkname) {
  if (rt == NULL || code == NULL) return GILUA_EINVAL;
  Chunk c = {.code = code, .name = chunkname != NULL ? chunkname : code};
  return run(rt, &c);
}

int gilua_run_file(gilua_Runtime *rt, const char *path, int argc, char **argv) {
  if (rt == NULL || argc < 0 || (argc > 0 && argv == NULL)) return GILUA_EINVAL;
  Chunk c = {.path = path, .argc = argc, .argv = argv};
  return run(rt, &c);
}

const char *gilua_error(gilua_Runtime *rt) {
  (void)rt;
  return process_error();
}

static void add_thread(const Gil *g, const GilThread *t, uint64_t now, gilua_Stats *out) {
  double scale = clock_ticks_per_ns(&g->clock);
  uint64_t longest = (uint64_t)((double)t->longest / scale);
  out->threads++;
  out->held_ns += (uint64_t)((double)gil_held_ticks(t, now) / scale);
  out->waited_ns += (uint64_t)((double)t->waited / scale);
  if (longest > out->longest_hold_ns) out->longest_hold_ns = longest;
}

static void add_pools(lua_State *L, gilua_Stats *out) {
  PoolCounters sum;
  counters_sum(L, &sum);
  out->pool_submitted = sum.submitted;
  out->pool_finished = sum.finished;
  out->pool_queued = sum.queued;
  out->pool_busy_ns = (uint64_t)sum.busy_ns;
}

int gilua_stats(gilua_Runtime *door, gilua_Stats *out) {
  lua_State *L;
  if (out != NULL) *out = (gilua_Stats){0};
  if (door == NULL || out == NULL) return GILUA_EINVAL;
  int err = gilua_enter(door, &L);
  if (err != GILUA_OK) return err;
  Runtime *rt = embed_runtime(door);
  Gil *g = &rt->gil;
  uint64_t now = clock_ticks(&g->clock);
  out->switches = g->switches;
  out->forced_switches = g->forced;
  out->signals = gil_asks(g);
  for (const Tstate *ts = rt->threads; ts != NULL; ts = ts->next) add_thread(g, &ts->gil, now, out);
  add_pools(L, out);
  out->memory_bytes = (uint64_t)lua_gc(L, LUA_GCCOUNT) * 1024 + (uint64_t)lua_gc(L, LUA_GCCOUNTB);
  gilua_leave(door, L);
  return GILUA_OK;
}
