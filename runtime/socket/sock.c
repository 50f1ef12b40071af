/* The record beside a socket object: timeouts, waits, who closes. */
#include "runtime/socket/sock.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "runtime/state/text.h"

static const char ours = 0; /* its address marks our records */

const char sock_tls_key = 0;

/* Calls method `name` of LuaSocket on the object at index 1; its one result is pushed. */
static void ask(lua_State *L, const char *name) {
  lua_getfield(L, ORIGINALS, name);
  lua_pushvalue(L, 1);
  lua_call(L, 1, 1);
}

/* Tells LuaSocket never to wait; by a settimeout of its own, which checks that this is a socket. */
static void take_timeouts(lua_State *L, Sock *s) {
  s->block = s->total = -1;
  if (lua_getfield(L, ORIGINALS, "gettimeout") == LUA_TFUNCTION) {
    lua_pushvalue(L, 1);
    lua_call(L, 1, 2);
    s->block = lua_tonumber(L, -2);
    s->total = lua_tonumber(L, -1);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  for (int i = 0; i < 2; i++) {
    lua_getfield(L, ORIGINALS, "settimeout");
    lua_pushvalue(L, 1);
    lua_pushinteger(L, i - 1);
    lua_pushstring(L, i == 0 ? "t" : "b");
    lua_call(L, 3, 0);
  }
}

/* Of the method's family? Only LuaSocket's classes have our mark: sock_wrap. */
static bool is_socket(lua_State *L) {
  int top = lua_gettop(L);
  bool is = lua_type(L, 1) == LUA_TUSERDATA && lua_getmetatable(L, 1) && lua_getfield(L, -1, "gilua") == LUA_TTABLE &&
            lua_getfield(L, -1, "getfd") != LUA_TNIL && lua_rawequal(L, -1, FAMILY);
  lua_settop(L, top);
  return is;
}

/* The record that the object at index 1 has, or NULL. */
static Sock *record_of(lua_State *L) {
  Sock *s = NULL;
  if (lua_type(L, 1) != LUA_TUSERDATA) return NULL;
  if (lua_getiuservalue(L, 1, 1) == LUA_TUSERDATA && lua_rawlen(L, -1) == sizeof *s) s = lua_touserdata(L, -1);
  lua_pop(L, 1); /* it stays alive, as the object's */
  return s != NULL && s->mark == &ours ? s : NULL;
}

/* A forked child has none of the threads that waited. */
static Sock *settle(Sock *s, pid_t pid) {
  if (s->pid == pid) return s;
  s->pid = pid;
  s->waiting = 0;
  s->closers = (Waitq){0};
  return s;
}

/* The record is on top. */
static void find_tls(lua_State *L, Sock *s) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &sock_tls_key) == LUA_TTABLE) {
    lua_pushvalue(L, 1);
    lua_rawget(L, -2);
    s->ssl = lua_touserdata(L, -1);
    lua_setiuservalue(L, -3, 2);
  }
  lua_pop(L, 1);
}

Sock *sock_of(lua_State *L) {
  pid_t pid = park_self(L)->rt->gil.pid;
  luaL_checkstack(L, 8, NULL);
  Sock *s = record_of(L);
  if (s != NULL) return s->family == lua_tocfunction(L, FAMILY) ? settle(s, pid) : NULL;
  if (!is_socket(L)) return NULL;
  s = lua_newuserdatauv(L, sizeof *s, 2);
  memset(s, 0, sizeof *s);
  s->fd = -1;
  Sock *meanwhile = record_of(L); /* of a finalizer that the allocation ran */
  if (meanwhile != NULL) {
    lua_pop(L, 1);
    return meanwhile;
  }
  s->mark = &ours;
  s->family = lua_tocfunction(L, FAMILY);
  s->pid = pid;
  s->tls = lua_getfield(L, ORIGINALS, "dohandshake") != LUA_TNIL;
  lua_pop(L, 1);
  if (s->tls) find_tls(L, s);
  if (!lua_setiuservalue(L, 1, 1)) luaL_error(L, "this LuaSocket leaves gilua no place for a record");
  take_timeouts(L, s);
  return s;
}

/* "bad argument #3 to '?' (text)" of a function that we called becomes ours; `how` is the message. */
static int raise_as_ours(lua_State *L) {
  static const char begin[] = "bad argument #";
  const char *how = lua_tostring(L, -1), *text;
  if (lua_type(L, -1) != LUA_TSTRING || strncmp(how, begin, sizeof begin - 1) != 0) return lua_error(L);
  char *end;
  long arg = strtol(how + sizeof begin - 1, &end, 10);
  if (strncmp(end, " to '?' (", 9) != 0) return lua_error(L);
  text = lua_pushlstring(L, end + 9, strlen(end + 9) - 1);
  return luaL_argerror(L, (int)arg, text);
}

int sock_original(lua_State *L, int f, int n) {
  int top = lua_gettop(L);
  luaL_checkstack(L, n + 8, NULL);
  lua_pushvalue(L, f);
  for (int i = 1; i <= n; i++) lua_pushvalue(L, i);
  if (lua_pcall(L, n, LUA_MULTRET, 0) != LUA_OK) return raise_as_ours(L);
  return lua_gettop(L) - top;
}

/* Calls LuaSocket's method `name` of the object at index 1; true if result `i` is that word. */
static bool answers(lua_State *L, const char *name, int i, const char *word) {
  int top = lua_gettop(L);
  bool is = lua_getfield(L, ORIGINALS, name) == LUA_TFUNCTION;
  if (is) {
    lua_pushvalue(L, 1);
    lua_call(L, 1, i);
    is = text_is(L, -1, word);
  }
  lua_settop(L, top);
  return is;
}

/* getfamily says inet4, too, where it is open; getsockname says nothing once it is closed. */
int sock_family(lua_State *L, const Sock *s) {
  if (answers(L, "getfamily", 1, "inet6")) return AF_INET6;
  return answers(L, "getsockname", 3, "inet") ? AF_INET : s->closed_as;
}

int sock_number(lua_State *L, int object) {
  int top = lua_gettop(L);
  object = lua_absindex(L, object);
  if (luaL_getmetafield(L, object, "gilua") != LUA_TTABLE) lua_pushvalue(L, object);
  if (lua_getfield(L, -1, "getfd") == LUA_TNIL) lua_pop(L, 1);
  else {
    lua_pushvalue(L, object);
    lua_call(L, 1, 1);
  }
  lua_Number fd = lua_isnumber(L, -1) ? lua_tonumber(L, -1) : -1;
  lua_settop(L, top);
  return fd >= 0 && fd <= INT32_MAX ? (int)fd : -1;
}

void sock_hide(lua_State *L, int object) {
  object = lua_absindex(L, object);
  if (lua_type(L, object) != LUA_TUSERDATA) return;
  int fd = sock_number(L, object);
  if (fd >= 0) fcntl(fd, F_SETFD, FD_CLOEXEC);
}

int64_t sock_deadline_in(double seconds) {
  if (!(seconds >= 0) || seconds > PARK_TIMEOUT_MAX) return CLOCK_NEVER;
  return clock_deadline(seconds);
}

static int64_t after(int64_t begun, double seconds) {
  if (!(seconds >= 0) || seconds > PARK_TIMEOUT_MAX) return CLOCK_NEVER;
  return begun + (int64_t)(seconds * 1e9);
}

int64_t sock_deadline(const Sock *s, int64_t begun) {
  if (s->block == 0) return 0;
  int64_t block = after(s->total < 0 ? begun : clock_ns(), s->block), total = after(begun, s->total);
  return block < total ? block : total;
}

static int descriptor(lua_State *L) {
  ask(L, "getfd");
  int fd = (int)lua_tointeger(L, -1);
  lua_pop(L, 1);
  return fd;
}

int sock_descriptor(lua_State *L, Sock *s) {
  if (s->fd < 0) s->fd = descriptor(L);
  return s->fd;
}

void sock_forget_descriptor(Sock *s) {
  s->fd = -1;
  s->inet = false;
  s->blocks = false;
  s->limit = 0;
}

void sock_let_go(Tstate *ts, Sock *s) {
  s->waiting--;
  while (s->waiting == 0 && !waitq_empty(&s->closers)) park_grant_first(ts, &s->closers, false);
}

SockWait sock_wait(lua_State *L, Sock *s, short events, int64_t deadline) {
  short revents;
  if (s->closing) return SOCK_CLOSED;
  if (deadline == 0) return SOCK_LATE;
  int fd = descriptor(L);
  if (fd < 0) return SOCK_READY; /* LuaSocket tells */
  Tstate *ts = park_self(L);
  s->waiting++;
  blocking_name(ts, "socket");
  ParkResult result = blocking_wait_fd(ts, fd, events, deadline, &revents);
  sock_let_go(ts, s);
  if (result != PARK_GRANTED && result != PARK_TIMEOUT) park_check(L, ts, result);
  if (s->closing) return SOCK_CLOSED;
  return result == PARK_GRANTED ? SOCK_READY : SOCK_LATE;
}

enum { AT_ONCE_NS = 3000 };

/* Bytes that LuaSocket has read ahead. */
static bool has_bytes(lua_State *L) {
  if (lua_getfield(L, ORIGINALS, "dirty") != LUA_TFUNCTION) {
    lua_pop(L, 1);
    return false;
  }
  lua_pop(L, 1);
  ask(L, "dirty");
  bool has = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return has;
}

SockWait sock_wait_first(lua_State *L, Sock *s, const void *method, int64_t deadline) {
  if (s->waits != method || s->closing || deadline == 0 || has_bytes(L)) return SOCK_READY;
  int64_t begun = clock_ns();
  SockWait wait = sock_wait(L, s, POLLIN, deadline);
  s->waits = clock_ns() - begun > AT_ONCE_NS ? method : NULL;
  return wait;
}
