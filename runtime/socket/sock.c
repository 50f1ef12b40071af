/* The record beside a socket object: timeouts, waits, who closes. */
#include <string.h>

#include "runtime/socket/lib_socket.h"

static const char ours = 0; /* its address marks our records */

/* Calls method `name` of LuaSocket on the object at index 1; its one result is pushed. */
static void ask(lua_State *L, int originals, const char *name) {
  lua_getfield(L, originals, name);
  lua_pushvalue(L, 1);
  lua_call(L, 1, 1);
}

/* Tells LuaSocket never to wait; by a settimeout of its own, which checks that this is a socket. */
static void take_timeouts(lua_State *L, Sock *s, int originals) {
  s->block = s->total = -1;
  if (lua_getfield(L, originals, "gettimeout") == LUA_TFUNCTION) {
    lua_pushvalue(L, 1);
    lua_call(L, 1, 2);
    s->block = lua_tonumber(L, -2);
    s->total = lua_tonumber(L, -1);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  for (int i = 0; i < 2; i++) {
    lua_getfield(L, originals, "settimeout");
    lua_pushvalue(L, 1);
    lua_pushinteger(L, i - 1);
    lua_pushstring(L, i == 0 ? "t" : "b");
    lua_call(L, 3, 0);
  }
}

/* A forked child has none of the threads that waited. */
static Sock *settle(Sock *s, pid_t pid) {
  if (s->pid == pid) return s;
  s->pid = pid;
  s->waiting = 0;
  s->closers = (Waitq){0};
  return s;
}

Sock *sock_of(lua_State *L, int originals) {
  pid_t pid = park_self(L)->rt->gil.pid;
  int top = lua_gettop(L);
  Sock *s = NULL;
  luaL_checkstack(L, 8, NULL);
  if (lua_type(L, 1) == LUA_TUSERDATA && lua_getiuservalue(L, 1, 1) == LUA_TUSERDATA && lua_rawlen(L, -1) == sizeof *s)
    s = lua_touserdata(L, -1);
  lua_settop(L, top); /* it stays alive, as the object's */
  if (s != NULL && s->mark == &ours) return settle(s, pid);
  s = lua_newuserdatauv(L, sizeof *s, 0);
  memset(s, 0, sizeof *s);
  take_timeouts(L, s, originals);
  s->mark = &ours;
  s->pid = pid;
  if (!lua_setiuservalue(L, 1, 1)) luaL_error(L, "this LuaSocket leaves gilua no place for a record");
  return s;
}

int64_t sock_deadline(const Sock *s) {
  double seconds = s->block;
  if (s->total >= 0 && (seconds < 0 || s->total < seconds)) seconds = s->total;
  if (seconds == 0) return 0;
  if (!(seconds > 0) || seconds > PARK_TIMEOUT_MAX) return CLOCK_NEVER;
  return clock_ns() + (int64_t)(seconds * 1e9);
}

SockWait sock_wait(lua_State *L, Sock *s, int originals, short events, int64_t deadline) {
  short revents;
  if (s->closing) return SOCK_CLOSED;
  if (deadline == 0) return SOCK_LATE;
  ask(L, originals, "getfd");
  int fd = (int)lua_tointeger(L, -1);
  lua_pop(L, 1);
  if (fd < 0) return SOCK_CLOSED;
  Tstate *ts = park_self(L);
  s->waiting++;
  blocking_name(ts, "socket");
  ParkResult result = blocking_wait_fd(ts, fd, events, deadline, &revents);
  s->waiting--;
  while (s->waiting == 0 && !waitq_empty(&s->closers)) park_grant_first(ts, &s->closers, false);
  if (result != PARK_GRANTED && result != PARK_TIMEOUT) park_check(L, ts, result);
  if (s->closing) return SOCK_CLOSED;
  return result == PARK_GRANTED ? SOCK_READY : SOCK_LATE;
}
