/* Calls that take a host: its name is looked up without the lock, then LuaSocket gets the addresses, one after the other.
 *
 *   tcp:connect(host, port) -> 1         of a master, a client from now on
 *   tcp:bind(host, port) -> 1            "*": all addresses of this machine
 *   tcp:setpeername(host, port) -> 1     connect      tcp:setsockname(host, port) -> 1     bind
 *   udp:setsockname(host, port) -> 1
 *   udp:setpeername(host [, port]) -> 1  from now on it hears and sends to this one only; "*": anybody again
 */
#include <string.h>
#include <sys/socket.h>

#include "runtime/socket/lib_parts.h"
#include "runtime/state/text.h"

static bool would_wait(lua_State *L, int n) { return lua_isnil(L, n + 1) && text_is(L, n + 2, "timeout"); }

static int fail(lua_State *L, const char *why) {
  lua_pushnil(L);
  lua_pushstring(L, why);
  return 2;
}

/* A connection attempt is over: LuaSocket's words for its outcome, which connect, called again, would use up. */
static int outcome(lua_State *L) {
  lua_getfield(L, ORIGINALS, "getoption");
  lua_pushvalue(L, 1);
  lua_pushliteral(L, "error");
  lua_call(L, 2, 1);
  if (!lua_isnil(L, -1)) return fail(L, lua_tostring(L, -1));
  lua_pushnumber(L, 1);
  return 1;
}

/* Where the family is open, LuaSocket takes that of the address when the attempt succeeds, or its timeout is 0: a
 * later attempt with an address of another family would not be possible. So it waits for a moment. */
static void wait_for(lua_State *L, lua_Number seconds) {
  lua_getfield(L, ORIGINALS, "settimeout");
  lua_pushvalue(L, 1);
  lua_pushnumber(L, seconds);
  lua_call(L, 2, 0);
}

/* Tries the address at index 2, with the arguments up to n; the results are behind what was on the stack. */
static int try_address(lua_State *L, Sock *s, int n, bool open) {
  static const lua_Number moment = 1e-9;
  int64_t begun = clock_ns();
  int top = lua_gettop(L), family = strchr(lua_tostring(L, 2), ':') != NULL ? AF_INET6 : AF_INET;
  sock_forget_descriptor(s);
  if (open) wait_for(L, moment);
  int results = sock_original(L, ORIGINAL, n);
  sock_hide(L, 1);
  if (open) wait_for(L, 0);
  if (!would_wait(L, top)) return results;
  SockWait wait = sock_wait(L, s, POLLIN | POLLOUT, sock_deadline(s, begun));
  if (wait == SOCK_LATE) return results;
  lua_settop(L, top);
  results = wait == SOCK_CLOSED ? fail(L, "closed") : outcome(L);
  while (lua_gettop(L) > top + results) lua_remove(L, top + 1);
  if (open && results == 1) s->connected = family;
  return results;
}

/* SOCK_DGRAM or SOCK_STREAM: what the class is for. */
static int type_of(lua_State *L) {
  int type = lua_getfield(L, ORIGINALS, "sendto") == LUA_TNIL ? SOCK_STREAM : SOCK_DGRAM;
  lua_pop(L, 1);
  return type;
}

static bool is_connect(lua_State *L) {
  lua_getfield(L, ORIGINALS, "connect");
  bool is = lua_rawequal(L, ORIGINAL, -1);
  lua_pop(L, 1);
  return is;
}

/* The name leads nowhere: nil and why are on top. LuaSocket makes a client of what was to be connected nevertheless. */
static int fail_to_look_up(lua_State *L) {
  if (!is_connect(L)) return 2;
  lua_pushvalue(L, 1);
  luaL_setmetatable(L, "tcp{client}");
  lua_pop(L, 1);
  return 2;
}

/* bind and setsockname want an object that is not connected; else LuaSocket refuses before it looks a name up. */
static bool in_state(lua_State *L) {
  int top = lua_gettop(L);
  lua_getfield(L, ORIGINALS, "setsockname");
  bool is = !lua_rawequal(L, ORIGINAL, -1) || luaL_testudata(L, 1, "tcp{master}") != NULL ||
            luaL_testudata(L, 1, "udp{unconnected}") != NULL;
  lua_settop(L, top);
  return is;
}

int sock_to_host(lua_State *L) {
  int n = lua_gettop(L), results = 0;
  int64_t begun = clock_ns();
  Sock *s = sock_of(L);
  if (s == NULL || !in_state(L) || !lua_isstring(L, 2) || !lua_isstring(L, 3)) return sock_original(L, ORIGINAL, n);
  if (s->closing) return fail(L, "closed");
  s->inet = false;
  int64_t deadline = sock_deadline(s, begun);
  int family = sock_family(L, s);
  bool once = deadline == 0; /* with a timeout of 0 LuaSocket tries the first address only */
  bool connects = is_connect(L), open = connects && family == AF_UNSPEC && !once;
  const char *host = lua_tostring(L, 2);
  if (connects && strcmp(host, "*") == 0) host = NULL; /* this machine, by each of its addresses */
  if (once) deadline = CLOCK_NEVER;
  if (dns_addresses(L, host, lua_tostring(L, 3), family, type_of(L), deadline) != 1) return fail_to_look_up(L);
  if (connects) s->connected = 0;
  for (lua_Integer i = 1, last = luaL_len(L, n + 1); i <= last; i++) {
    lua_settop(L, n + 1); /* the addresses are there */
    lua_rawgeti(L, n + 1, i);
    lua_replace(L, 2);
    results = try_address(L, s, n, open);
    if (once || !lua_isnil(L, n + 2) || would_wait(L, n + 1)) break;
  }
  return results;
}

int sock_unix_connect(lua_State *L) {
  enum { AGAIN_NS = 1000000 };
  int n = lua_gettop(L);
  int64_t begun = clock_ns();
  Sock *s = sock_of(L);
  if (s == NULL) return sock_original(L, ORIGINAL, n);
  Tstate *ts = park_self(L);
  while (!s->closing) {
    sock_forget_descriptor(s);
    int results = sock_original(L, ORIGINAL, n);
    if (!would_wait(L, n) || clock_ns() >= sock_deadline(s, begun)) return results;
    lua_settop(L, n);
    ParkResult result = park(ts, NULL, gil_now(&ts->rt->gil) + AGAIN_NS, "socket", s);
    if (result != PARK_TIMEOUT) park_check(L, ts, result);
  }
  return fail(L, "closed");
}

/* Calls method `name` of the object at that index with the `given` values on top; its results take their place. */
static int object_call(lua_State *L, int object, const char *name, int given, int results) {
  lua_getfield(L, object, name);
  lua_insert(L, -1 - given);
  lua_pushvalue(L, object);
  lua_insert(L, -1 - given);
  lua_call(L, given + 1, results);
  return results;
}

/* socket.connect(host, port [, local host, local port [, family]]) -> object, or nil and what went wrong. The family
 * is that of the local end, and of the other one only if there is a local host. */
int lib_connect(lua_State *L) {
  static const char *const families[] = {"unspec", "inet", "inet6", NULL}, *const makers[] = {"tcp", "tcp4", "tcp6"};
  enum { LOCAL_HOST = 3, LOCAL_PORT, WHICH, OBJECT };
  luaL_checkstring(L, 1);
  luaL_checkstring(L, 2);
  bool bound = luaL_optstring(L, LOCAL_HOST, NULL) != NULL;
  luaL_optstring(L, LOCAL_PORT, "0");
  int family = luaL_checkoption(L, WHICH, "unspec", families);
  lua_settop(L, WHICH);
  lua_getfield(L, lua_upvalueindex(1), makers[bound ? family : 0]);
  lua_call(L, 0, 2);
  if (lua_isnil(L, OBJECT)) return 2;
  lua_settop(L, OBJECT);
  if (bound) {
    lua_pushvalue(L, LOCAL_HOST);
    if (lua_isnil(L, LOCAL_PORT)) lua_pushliteral(L, "0");
    else lua_pushvalue(L, LOCAL_PORT);
    object_call(L, OBJECT, "bind", 2, 2);
    if (lua_isnil(L, OBJECT + 1)) goto failed;
    lua_settop(L, OBJECT);
  }
  lua_pushvalue(L, 1);
  lua_pushvalue(L, 2);
  object_call(L, OBJECT, "connect", 2, 2);
  if (lua_isnil(L, OBJECT + 1)) goto failed;
  lua_settop(L, OBJECT);
  return 1;
failed:
  object_call(L, OBJECT, "close", 0, 0);
  return 2;
}
