/* socket.dns: names are looked up by helper threads, without the interpreter lock.
 *
 *   dns.gethostname() -> string                  of this machine
 *   dns.toip(host) -> string, table              of IPv4; the table: name, alias, ip
 *   dns.tohostname(address) -> string, table
 *   dns.getaddrinfo(host) -> list                of {family = "inet" or "inet6", addr = string}
 *   dns.getnameinfo(host [, port]) -> list, service     of names; nil in place of what was not given
 */
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "runtime/socket/lib_parts.h"
#include "runtime/socket/resolve.h"

#define BOX "gilua.lookup"

static int box_gc(lua_State *L) {
  Lookup **box = lua_touserdata(L, 1);
  if (*box != NULL) lookup_free(*box);
  *box = NULL;
  return 0;
}

/* Pushes a box with the answer, or nil and what went wrong, and returns NULL then. */
static const Lookup *look_up(lua_State *L, LookupKind kind, int family, int type, const char *host, const char *service,
                             int64_t deadline) {
  Lookup **box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = NULL;
  if (luaL_newmetatable(L, BOX)) {
    lua_pushcfunction(L, box_gc);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  Tstate *ts = park_self(L);
  *box = lookup_new(kind, family, type, host, service);
  if (*box == NULL) luaL_error(L, "not enough memory or descriptors to look up a name");
  ParkResult result = lookup_run(ts, *box, deadline);
  if (result == PARK_GRANTED && (*box)->error == NULL) return *box;
  const char *error = result == PARK_GRANTED ? (*box)->error : "timeout";
  lookup_free(*box);
  *box = NULL;
  if (result != PARK_GRANTED && result != PARK_TIMEOUT) park_check(L, ts, result);
  lua_pushnil(L);
  lua_pushstring(L, error);
  return NULL;
}

static const char *next_text(const char *tagged) { return tagged + strlen(tagged) + 1; }

static bool is_address(const char *host) {
  struct in6_addr address;
  return strcmp(host, "*") == 0 || strchr(host, ':') != NULL || inet_pton(AF_INET, host, &address) == 1;
}

int dns_addresses(lua_State *L, const char *host, const char *service, int family, int type, int64_t deadline) {
  lua_createtable(L, 1, 0);
  if (host != NULL && is_address(host)) {
    lua_pushstring(L, host);
    lua_rawseti(L, -2, 1);
    return 1;
  }
  const Lookup *q = look_up(L, LOOKUP_ADDRESSES, family, type, host, service, deadline);
  if (q == NULL) return 2;
  int n = 0;
  for (const char *t = q->found; *t != 0; t = next_text(t)) {
    lua_pushstring(L, t + 1);
    lua_rawseti(L, -3, ++n);
  }
  lua_pop(L, 1);
  return 1;
}

/* getaddrinfo(host) -> {{family=, addr=}, …} */
static int dns_getaddrinfo(lua_State *L) {
  const Lookup *q = look_up(L, LOOKUP_ADDRESSES, AF_UNSPEC, SOCK_STREAM, luaL_checkstring(L, 1), NULL, CLOCK_NEVER);
  if (q == NULL) return 2;
  lua_newtable(L);
  int n = 0;
  for (const char *t = q->found; *t != 0; t = next_text(t)) {
    lua_createtable(L, 0, 2);
    lua_pushstring(L, t[0] == TAG_INET6 ? "inet6" : "inet");
    lua_setfield(L, -2, "family");
    lua_pushstring(L, t + 1);
    lua_setfield(L, -2, "addr");
    lua_rawseti(L, -2, ++n);
  }
  return 1;
}

/* getnameinfo(host [, service]) -> {name, …} [, service] */
static int dns_getnameinfo(lua_State *L) {
  const char *host = luaL_optstring(L, 1, NULL), *service = luaL_optstring(L, 2, NULL);
  if (host == NULL && service == NULL) return luaL_error(L, "host and serv cannot be both nil");
  const Lookup *q = look_up(L, LOOKUP_NAMES, AF_UNSPEC, SOCK_STREAM, host, service, CLOCK_NEVER);
  if (q == NULL) return 2;
  const char *found_service = NULL;
  int n = 0;
  lua_newtable(L);
  for (const char *t = q->found; *t != 0; t = next_text(t)) {
    if (t[0] == TAG_SERVICE) found_service = t + 1;
    if (t[0] != TAG_NAME) continue;
    lua_pushstring(L, t + 1);
    lua_rawseti(L, -2, ++n);
  }
  if (found_service == NULL) return 1;
  lua_pushstring(L, found_service);
  return 2;
}

static void push_tagged(lua_State *L, const Lookup *q, LookupTag tag, const char *field) {
  int n = 0;
  lua_newtable(L);
  for (const char *t = q->found; *t != 0; t = next_text(t)) {
    if (t[0] != (char)tag) continue;
    lua_pushstring(L, t + 1);
    lua_rawseti(L, -2, ++n);
  }
  lua_setfield(L, -2, field);
}

/* Pushes {name=, alias={}, ip={}}. */
static int push_host(lua_State *L, const Lookup *q) {
  lua_createtable(L, 0, 3);
  lua_pushstring(L, q->found + 1);
  lua_setfield(L, -2, "name");
  push_tagged(L, q, TAG_ALIAS, "alias");
  push_tagged(L, q, TAG_INET, "ip");
  return 2;
}

/* toip(host) -> first address, host */
static int dns_toip(lua_State *L) {
  const Lookup *q = look_up(L, LOOKUP_HOST, AF_INET, SOCK_STREAM, luaL_checkstring(L, 1), NULL, CLOCK_NEVER);
  if (q == NULL) return 2;
  const char *t = q->found;
  while (*t != 0 && t[0] != TAG_INET) t = next_text(t);
  if (*t == 0) lua_pushnil(L);
  else lua_pushstring(L, t + 1);
  return push_host(L, q);
}

/* tohostname(address) -> name, host */
static int dns_tohostname(lua_State *L) {
  const Lookup *q = look_up(L, LOOKUP_HOST, AF_INET, SOCK_STREAM, luaL_checkstring(L, 1), NULL, CLOCK_NEVER);
  if (q == NULL) return 2;
  lua_pushstring(L, q->found + 1);
  return push_host(L, q);
}

void dns_replace(lua_State *L) {
  static const luaL_Reg funcs[] = {{"getaddrinfo", dns_getaddrinfo},
                                   {"getnameinfo", dns_getnameinfo},
                                   {"tohostname", dns_tohostname},
                                   {"toip", dns_toip},
                                   {NULL, NULL}};
  luaL_setfuncs(L, funcs, 0);
}
