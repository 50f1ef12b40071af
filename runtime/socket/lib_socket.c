/* gilua.socket: LuaSocket's table with our functions in it. What fails gives nil and a message.
 *
 *   socket.tcp() -> tcp     socket.tcp4() -> tcp     socket.tcp6() -> tcp     a master: not connected, of any family, of IPv4, of IPv6
 *   socket.udp() -> udp     socket.udp4() -> udp     socket.udp6() -> udp     not connected, likewise
 *   socket.unix() -> tcp    socket.unix.stream() -> tcp    socket.unix.dgram() -> udp      named by paths
 *   socket.connect(host, port [, localhost [, localport [, family]]]) -> tcp           a client; family: "inet", "inet6", "unspec"
 *   socket.connect4(host, port [, localhost [, localport]]) -> tcp     socket.connect6(host, port [, localhost [, localport]]) -> tcp
 *   socket.bind(host, port [, backlog = 32]) -> tcp                                    a server; port 0: any that is free
 *   socket.select(receivers, senders [, timeout]) -> list, list, nil or "timeout"      below
 *   socket.sleep(seconds)     socket.gettime() -> number                               seconds since 1970
 *   socket.protect(f) -> function                    f whose errors by try are results: nil and the message
 *   socket.newtry(finalizer) -> function             a try that calls finalizer() before it raises
 *   socket.try(value, ...) -> values                 raises the second if the first is nil or false, for protect
 *   socket.skip(n, ...) -> values                    without the first n
 *   socket.sink(mode, tcp) -> function               of ltn12; "http-chunked", "close-when-done", "keep-open"
 *   socket.source(mode, tcp [, length]) -> function  "http-chunked", "by-length", "until-closed"
 *   socket.choose(t) -> function                     what finds a sink or source by its mode in t: socket.sinkt, socket.sourcet
 *   socket.BLOCKSIZE  socket._DATAGRAMSIZE  socket._SETSIZE  socket._SOCKETINVALID  socket._VERSION  socket.__unload
 *   socket.dns  socket.http  socket.ftp  socket.smtp  socket.url  socket.headers  socket.tp     modules
 */
#include "runtime/socket/lib_socket.h"
#include "runtime/socket/lib_parts.h"
#include "runtime/socket/lib_tls.h"

#include <string.h>

#include "runtime/state/require.h"
#include "runtime/state/scarce.h"
#include "runtime/state/text.h"

/* socket.sleep(seconds) */
static int module_sleep(lua_State *L) {
  double seconds = luaL_checknumber(L, 1);
  Tstate *ts = park_self(L);
  int64_t deadline = seconds > 0 ? park_deadline(seconds) : 0;
  park_check(L, ts, park(ts, NULL, deadline, "sleep", NULL));
  return 0;
}

/* socket.tcp and the other functions that make an object; upvalue: LuaSocket's */
static int module_new(lua_State *L) {
  int results = sock_original(L, lua_upvalueindex(1), lua_gettop(L));
  sock_hide(L, -results);
  return results;
}

/* Replaces these functions in the table on top of the stack. */
static void wrap_makers(lua_State *L) {
  static const char *const names[] = {"tcp", "tcp4", "tcp6", "udp", "udp4", "udp6", "stream", "dgram", NULL};
  for (const char *const *name = names; *name != NULL; name++) {
    if (lua_getfield(L, -1, *name) != LUA_TFUNCTION || lua_tocfunction(L, -1) == module_new) {
      lua_pop(L, 1);
      continue;
    }
    lua_pushcclosure(L, module_new, 1);
    lua_setfield(L, -2, *name);
  }
}

/* Calls require(name); false with the message on top. */
static bool load(lua_State *L, const char *name) {
  require_push(L);
  lua_pushstring(L, name);
  return lua_pcall(L, 1, 1, 0) == LUA_OK;
}

static void wrap(lua_State *L, const char *family, const char *const *states) {
  for (; *states != NULL; states++) {
    lua_pushfstring(L, "%s{%s}", family, *states);
    sock_wrap(L, lua_tostring(L, -1));
    lua_pop(L, 1);
  }
}

static void for_each_class(lua_State *L, void (*f)(lua_State *L, const char *family, const char *const *states)) {
  static const char *const streams[] = {"master", "client", "server", NULL};
  static const char *const datagrams[] = {"unconnected", "connected", NULL};
  f(L, "tcp", streams);
  f(L, "unixstream", streams);
  f(L, "unix", streams);
  f(L, "udp", datagrams);
  f(L, "unixdgram", datagrams);
}

static void wrap_all(lua_State *L) { for_each_class(L, wrap); }

static const char *const parts[] = {"ftp", "headers", "http", "smtp", "tp", "unix", "url", NULL};

/* gilua.socket.http and the other modules of LuaSocket are required when their field is first read. */
static int load_field(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE); /* scripts may call it themselves */
  for (const char *const *part = parts; *part != NULL; part++) {
    if (!text_is(L, 2, *part)) continue;
    lua_pushfstring(L, "socket.%s", *part);
    if (!load(L, lua_tostring(L, -1))) return lua_error(L);
    wrap_all(L);
    if (lua_istable(L, -1)) wrap_makers(L);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, -2);
    lua_rawset(L, 1);
    return 1;
  }
  lua_pushvalue(L, 2);
  lua_gettable(L, lua_upvalueindex(1));
  return 1;
}

/* From the methods of a class, and from LuaSocket's own that ours keep. */
static void forget_setfd(lua_State *L, const char *family, const char *const *states) {
  static const char *const tables[] = {"__index", "gilua"};
  for (; *states != NULL; states++) {
    lua_pushfstring(L, "%s{%s}", family, *states);
    bool is = luaL_getmetatable(L, lua_tostring(L, -1)) == LUA_TTABLE;
    for (size_t i = 0; is && i < sizeof tables / sizeof tables[0]; i++) {
      if (lua_getfield(L, -1, tables[i]) == LUA_TTABLE) {
        lua_pushnil(L);
        lua_setfield(L, -2, "setfd");
      }
      lua_pop(L, 1);
    }
    lua_pop(L, 2);
  }
}

static int load_part(lua_State *L) {
  lua_gettable(L, 1);
  return 0;
}

void lib_socket_confine(lua_State *L) {
  luaL_checkstack(L, 10, NULL);
  int top = lua_gettop(L);
  if (load(L, "gilua.socket")) {
    for (const char *const *part = parts; *part != NULL; part++) { /* some may not be installed */
      lua_pushcfunction(L, load_part);
      lua_pushvalue(L, top + 1);
      lua_pushstring(L, *part);
      if (lua_pcall(L, 2, 0, 0) != LUA_OK) lua_pop(L, 1);
    }
    for_each_class(L, forget_setfd);
  }
  lua_settop(L, top);
}

/* LuaSocket cannot be loaded; what require says is on top. */
static int refuse(lua_State *L) {
  int err = scarce_descriptors();
  if (err != 0) return luaL_error(L, "gilua.socket cannot load LuaSocket: %s", strerror(err));
  return luaL_error(L, "gilua.socket needs LuaSocket: install the Debian package 'lua-socket', or the rock 'luasocket'\n%s",
                    luaL_tolstring(L, -1, NULL));
}

/* Pushes a table with what is in the one on top: pairs finds it, as in LuaSocket's. */
static void push_copy(lua_State *L) {
  lua_newtable(L);
  for (lua_pushnil(L); lua_next(L, -3) != 0;) {
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_rawset(L, -4);
  }
}

int lib_socket_open(lua_State *L) {
  if (!load(L, "socket")) return refuse(L);
  wrap_all(L);
  wrap_makers(L);
  lib_tls_prepare(L);
  lua_pushcfunction(L, lib_select);
  lua_setfield(L, -2, "select");
  lua_pushcfunction(L, module_sleep);
  lua_setfield(L, -2, "sleep");
  lua_pushvalue(L, -1);
  lua_pushcclosure(L, lib_connect, 1);
  lua_setfield(L, -2, "connect");
  lua_getfield(L, -1, "dns");
  dns_replace(L);
  lua_pop(L, 1);
  push_copy(L);
  lua_createtable(L, 0, 1);
  lua_pushvalue(L, -3);
  lua_pushcclosure(L, load_field, 1);
  lua_setfield(L, -2, "__index");
  lua_setmetatable(L, -2);
  return 1;
}
