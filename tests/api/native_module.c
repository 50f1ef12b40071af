/* A module as others write them, for native_test.lua: regions, calls that can be ended, waits for descriptors. */
#include <gilua_native.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

/* region(ms): sleeps without the lock */
static int l_region(lua_State *L) {
  unsigned ms = (unsigned)luaL_checkinteger(L, 1);
  int kept = 0;
  GILUA_BLOCKING(L) {
    errno = 77;
    usleep(ms * 1000);
  }
  kept = errno;
  lua_pushinteger(L, kept);
  return 1;
}

/* nested(): regions nest, an explicit one in a block */
static int l_nested(lua_State *L) {
  GILUA_BLOCKING(L) {
    gilua_blocking_begin(L);
    gilua_blocking_end(L);
    usleep(1000);
  }
  lua_pushboolean(L, 1);
  return 1;
}

typedef struct Call {
  int fds[2];
  int ended;
} Call;

static void read_byte(void *arg) {
  Call *c = arg;
  char byte;
  c->ended = read(c->fds[0], &byte, 1) == 1;
}

static void write_byte(void *arg) {
  Call *c = arg;
  if (write(c->fds[1], "x", 1) != 1) abort();
}

/* call(): reads from a pipe until it is ended; returns whether unblock ended it, and what was returned */
static int l_call(lua_State *L) {
  Call c = {{0, 0}, 0};
  if (pipe(c.fds) != 0) return luaL_error(L, "no pipe");
  int err = gilua_blocking_call(L, read_byte, &c, write_byte, &c);
  close(c.fds[0]);
  close(c.fds[1]);
  if (lua_toboolean(L, 1)) {
    lua_pushboolean(L, c.ended);
    lua_pushinteger(L, err);
    return 2;
  }
  gilua_check(L);
  return 0;
}

/* wait(ms [, ready]): waits for an empty pipe, or one with a byte; returns the result; -8 is raised */
static int l_wait(lua_State *L) {
  int fds[2];
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  int64_t deadline = INT64_MAX;
  if (!lua_isnil(L, 1)) deadline = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec + luaL_checkinteger(L, 1) * 1000000;
  if (pipe(fds) != 0) return luaL_error(L, "no pipe");
  if (lua_toboolean(L, 2) && write(fds[1], "x", 1) != 1) return luaL_error(L, "no write");
  int result = gilua_wait_fd(L, fds[0], POLLIN, deadline);
  close(fds[0]);
  close(fds[1]);
  if (result == GILUA_EINTERRUPTED) gilua_check(L);
  lua_pushinteger(L, result);
  return 1;
}

/* busy(flag): loops in C with the lock until flag.stop, with gilua_check */
static int l_busy(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  for (;;) {
    gilua_check(L);
    lua_getfield(L, 1, "stop");
    int stop = lua_toboolean(L, -1);
    lua_pop(L, 1);
    if (stop) return 0;
  }
}

/* total(buffer): adds the elements of a buffer of f64 without the lock */
static int l_total(lua_State *L) {
  gilua_Buffer b;
  double sum = 0;
  gilua_buffer_check(L, 1, "f64", &b);
  gilua_buffer_pin(L, 1);
  GILUA_BLOCKING(L) {
    for (size_t i = 0; i < b.length; i++) sum += ((double *)b.data)[i];
    usleep(1000);
  }
  gilua_buffer_unpin(L, 1);
  lua_pushnumber(L, sum);
  return 1;
}

/* jump(): leaves a block by return: a fault */
static int l_jump(lua_State *L) {
  GILUA_BLOCKING(L) { return 0; }
  return 0;
}

/* misuse(): uses Lua in a region: a fault */
static int l_misuse(lua_State *L) {
  GILUA_BLOCKING(L) { lua_newtable(L); }
  return 1;
}

#ifndef FLAGS
#define FLAGS GILUA_MANY_RUNTIMES
#endif

int luaopen_native_module(lua_State *L) {
  static const luaL_Reg funcs[] = {{"busy", l_busy},     {"call", l_call},     {"jump", l_jump}, {"misuse", l_misuse},
                                   {"nested", l_nested}, {"region", l_region}, {"total", l_total},   {"wait", l_wait},
                                   {NULL, NULL}};
  gilua_module(L, "native_module", FLAGS);
  luaL_newlib(L, funcs);
  return 1;
}
