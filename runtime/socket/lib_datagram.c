/* The methods of UDP sockets: LuaSocket's results, past it. What receives also waits in its one system call; what sends to the address
 * and port of somebody who may just have been heard looks nothing up.
 *
 *   udp:receive([size = 8192]) -> string             a datagram, cut to size
 *   udp:receivefrom([size = 8192]) -> string, string, number     of one that is not connected: also the address and port it came from
 *   udp:send(data) -> number                         of one that is connected
 *   udp:sendto(data, host, port) -> number           of one that is not
 *   udp:dirty() -> boolean     udp:getfd() -> number
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/socket/lib_parts.h"
#include "runtime/socket/stream.h"

enum { USUAL = 8192, LARGEST = 65536 }; /* what LuaSocket takes without a size; more than a datagram has */

static int call(lua_State *L) { return sock_original(L, ORIGINAL, lua_gettop(L)); }

static int fail(lua_State *L, const char *why) {
  lua_pushnil(L);
  lua_pushstring(L, why);
  return 2;
}

static bool is_unconnected(lua_State *L) {
  int type = luaL_getmetafield(L, 1, "__name");
  bool is = type == LUA_TSTRING && strstr(lua_tostring(L, -1), "{unconnected}") != NULL;
  if (type != LUA_TNIL) lua_pop(L, 1);
  return is;
}

/* As inet_ntop, which goes by printf. */
static void push_inet(lua_State *L, struct in_addr address) {
  char text[INET_ADDRSTRLEN], *at = text;
  unsigned char bytes[4];
  memcpy(bytes, &address, sizeof bytes);
  for (int i = 0; i < 4; i++) {
    unsigned v = bytes[i];
    if (i > 0) *at++ = '.';
    if (v >= 100) *at++ = (char)('0' + v / 100);
    if (v >= 10) *at++ = (char)('0' + v / 10 % 10);
    *at++ = (char)('0' + v % 10);
  }
  lua_pushlstring(L, text, (size_t)(at - text));
}

/* The sender, as LuaSocket tells it. */
static int push_address(lua_State *L, const struct sockaddr_storage *from, socklen_t size) {
  char address[INET6_ADDRSTRLEN], port[6];
  const struct sockaddr_in *in = (const struct sockaddr_in *)from;
  if (from->ss_family == AF_INET) { /* the usual one, without getnameinfo's ways */
    push_inet(L, in->sin_addr);
    lua_pushinteger(L, ntohs(in->sin_port));
    return 3;
  }
  int err = getnameinfo((const struct sockaddr *)from, size, address, sizeof address, port, sizeof port,
                        NI_NUMERICHOST | NI_NUMERICSERV);
  if (err != 0) return fail(L, gai_strerror(err));
  lua_pushstring(L, address);
  lua_pushinteger(L, strtol(port, NULL, 10));
  return 3;
}

/* Receives up to n bytes to `bytes`; the data, and the sender if `sender`, are pushed. */
static int receive_to(lua_State *L, Sock *s, char *bytes, size_t n, bool sender) {
  struct sockaddr_storage from;
  socklen_t size = sizeof from;
  size_t got;
  int64_t begun = s->block < 0 && s->total < 0 ? 0 : clock_ns(); /* nobody asks where nothing is timed */
  int err = stream_read_datagram(L, s, bytes, n, &got, &from, &size, begun);
  if (err != 0) return fail(L, stream_words(err));
  lua_pushlstring(L, bytes, got);
  if (sender) s->inet = from.ss_family == AF_INET && sock_descriptor(L, s) >= 0;
  return sender ? push_address(L, &from, size) : 1;
}

static __attribute__((noinline)) int receive_usual(lua_State *L, Sock *s, size_t n, bool sender) {
  char bytes[USUAL];
  return receive_to(L, s, bytes, n, sender);
}

static int receive(lua_State *L, bool sender) {
  Sock *s = sock_of(L);
  if (s == NULL || (sender && !s->inet && !is_unconnected(L))) return call(L); /* which raises */
  if (s->closing) return fail(L, "closed");
  if (sock_descriptor(L, s) < 0) return call(L);
  static const lua_Number MOST = 1e14; /* more than a process may have */
  lua_Number size = luaL_optnumber(L, 2, USUAL);
  if (!(size >= 0 && size <= MOST)) return fail(L, "out of memory"); /* what LuaSocket makes of it */
  size_t n = size < LARGEST ? (size_t)size : LARGEST;
  void *asked = n == LARGEST ? malloc((size_t)size) : NULL; /* LuaSocket does, for the data */
  if (n == LARGEST && asked == NULL) return fail(L, "out of memory");
  free(asked);
  return n <= USUAL ? receive_usual(L, s, n, sender) : receive_to(L, s, lua_newuserdatauv(L, n, 0), n, sender);
}

/* receive([size]) -> data, or nil and why */
static int datagram_receive(lua_State *L) { return receive(L, false); }

/* Whether the arguments are a string, an IPv4 address and a port, which becomes *to. */
static bool plain_address(lua_State *L, struct sockaddr_in *to) {
  if (lua_type(L, 2) != LUA_TSTRING || lua_type(L, 3) != LUA_TSTRING || !lua_isinteger(L, 4)) return false;
  lua_Integer port = lua_tointeger(L, 4);
  *to = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  return port >= 0 && port <= UINT16_MAX && inet_pton(AF_INET, lua_tostring(L, 3), &to->sin_addr) == 1;
}

/* sendto(data, address, port) -> how many bytes, or nil and why */
static int datagram_sendto(lua_State *L) {
  Sock *s = sock_of(L);
  struct sockaddr_in to;
  size_t n;
  if (s == NULL || !s->inet || !s->hidden || s->closing || !plain_address(L, &to)) return sock_send_datagram(L);
  const char *bytes = lua_tolstring(L, 2, &n);
  int err = stream_write_datagram(L, s, bytes, n, (const struct sockaddr *)&to, sizeof to);
  if (err == EAGAIN) return sock_send_datagram(L); /* which waits */
  if (err != 0) return fail(L, stream_words(err));
  lua_pushnumber(L, (lua_Number)n);
  return 1;
}

/* receivefrom([size]) -> data, address, port, or nil and why */
static int datagram_receivefrom(lua_State *L) { return receive(L, true); }

/* getfd() */
static int datagram_getfd(lua_State *L) {
  Sock *s = sock_of(L);
  if (s != NULL) stream_lend(L, s);
  return call(L);
}

const luaL_Reg datagram_methods[] = {{"receive", datagram_receive}, {"receivefrom", datagram_receivefrom}, {"sendto", datagram_sendto},
                                     {"getfd", datagram_getfd}, {NULL, NULL}};
