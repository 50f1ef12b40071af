/* The methods of socket objects that may wait, and those of all.
 *
 *   tcp:listen([backlog = 32]) -> 1          of a master, a server from now on
 *   tcp:accept() -> tcp                      of a server: a client
 *   tcp:shutdown([how = "both"]) -> 1        "send", "receive"
 *   tcp:close()     udp:close() -> 1         who waits for it answers nil, "closed"
 *   tcp:settimeout(seconds [, mode = "b"]) -> 1      nil or below 0: for ever; "b": each wait, "t": the call
 *   udp:settimeout(seconds [, mode = "b"]) -> 1
 *   tcp:gettimeout() -> number, number       block and total, -1: for ever      udp:gettimeout() -> number, number
 *   tcp:getsockname() -> string, port, family         udp:getsockname() -> string, port, family     its own address
 *   tcp:getpeername() -> string, port, family         udp:getpeername() -> string, port, family     the other end's
 *   tcp:getfamily() -> string                "inet4", "inet6"                   udp:getfamily() -> string
 *   tcp:setoption(option [, value]) -> 1     tcp:getoption(option) -> value     "keepalive", "linger", "reuseaddr", "tcp-nodelay", …
 *   udp:setoption(option [, value]) -> 1     udp:getoption(option) -> value     "broadcast", "ip-multicast-ttl", …
 *   tcp:setfd(fd)                            udp:setfd(fd)                      takes over a descriptor
 */
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/os/poll.h"
#include "runtime/socket/lib_parts.h"
#include "runtime/socket/tls.h"
#include "runtime/state/text.h"

static int call(lua_State *L, int n) { return sock_original(L, ORIGINAL, n); }

/* What to wait for where the results behind the first n values of the stack say that it could not be done at once; else 0. LuaSec
 * says which way, LuaSocket does not: then it is for `events`. */
static short awaited(lua_State *L, int n, short events) {
  if (lua_toboolean(L, n + 1)) return 0;
  if (text_is(L, n + 2, "timeout")) return events;
  return text_is(L, n + 2, "wantread") ? POLLIN : text_is(L, n + 2, "wantwrite") ? POLLOUT : 0;
}

static int fail(lua_State *L, const char *why) {
  lua_pushnil(L);
  lua_pushstring(L, why);
  return 2;
}

/* A call that is done in one piece or not at all. */
static int whole(lua_State *L, short events) {
  int n = lua_gettop(L);
  int64_t begun = clock_ns();
  Sock *s = sock_of(L);
  const void *method = lua_topointer(L, ORIGINAL);
  if (s == NULL) return call(L, n);
  if (s->closing) return fail(L, "closed");
  if (sock_wait_first(L, s, method, sock_deadline(s, begun)) == SOCK_CLOSED) return fail(L, "closed");
  for (;;) {
    int results = call(L, n);
    short awaits = awaited(L, n, events);
    if (awaits == 0) return results;
    if (events == POLLIN) s->waits = method;
    SockWait wait = sock_wait(L, s, awaits, sock_deadline(s, begun));
    if (wait == SOCK_LATE) return results;
    if (wait == SOCK_CLOSED) return fail(L, "closed");
    lua_settop(L, n);
  }
}

static int whole_in(lua_State *L) { return whole(L, POLLIN); }

/* LuaSocket fills the buffer of a new object with zeros, and we never read into it: its inner pages go back to the system. */
static void release_buffer(lua_State *L, int object) {
  enum { MOST = 512, BUFFER = 8192 };
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = (uintptr_t)lua_touserdata(L, object), n = lua_rawlen(L, object);
  if (lua_type(L, object) != LUA_TUSERDATA || n < BUFFER || n > BUFFER + MOST) return;
  uintptr_t fields = n - BUFFER; /* before and behind the buffer */
  uintptr_t first = (from + fields + page - 1) / page * page, end = (from + n - fields) / page * page;
  if (first < end) madvise((void *)first, end - first, MADV_DONTNEED);
}

/* accept() of a server */
static int sock_accept(lua_State *L) {
  int results = whole(L, POLLIN);
  sock_hide(L, -results);
  release_buffer(L, -results);
  return results;
}

int sock_send_datagram(lua_State *L) {
  Sock *s = sock_of(L);
  int results = whole(L, POLLOUT);
  if (s != NULL && !s->hidden) sock_hide(L, 1);
  if (s != NULL) s->hidden = true;
  return results;
}

/* What receive has gathered, in pieces: a table at index 4. */
typedef struct Pieces {
  int n;
  size_t bytes;
} Pieces;

static void gather(lua_State *L, Pieces *p, int i) {
  size_t bytes;
  if (lua_tolstring(L, i, &bytes) == NULL || bytes == 0) return;
  if (p->n == 0) {
    lua_newtable(L);
    lua_replace(L, 4);
  }
  lua_pushvalue(L, i);
  lua_rawseti(L, 4, ++p->n);
  p->bytes += bytes;
}

static void push_pieces(lua_State *L, const Pieces *p) {
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  for (int i = 1; i <= p->n; i++) {
    lua_rawgeti(L, 4, i);
    luaL_addvalue(&b);
  }
  luaL_pushresult(&b);
}

/* What LuaSocket, asked for the rest only, left at 5 becomes what one call would have answered. */
static int finish(lua_State *L, Pieces *p, size_t prefix) {
  bool good = !lua_isnil(L, 5);
  gather(L, p, good ? 5 : 7);
  if (lua_type(L, 2) == LUA_TSTRING && strncmp(lua_tostring(L, 2), "*a", 2) == 0)
    good = good || (text_is(L, 6, "closed") && p->bytes > prefix); /* all there was */
  lua_settop(L, 6);
  push_pieces(L, p);
  if (good) {
    lua_replace(L, 5);
    lua_pushnil(L);
    lua_replace(L, 6);
    lua_pushnil(L);
  } else {
    lua_pushnil(L);
    lua_replace(L, 5);
  }
  return 3;
}

/* The next call asks for the rest, and gets no prefix. */
static void ask_rest(lua_State *L, const Pieces *p, lua_Integer wanted) {
  if (wanted >= 0) {
    lua_pushinteger(L, wanted - (lua_Integer)p->bytes);
    lua_replace(L, 2);
  }
  lua_pushnil(L);
  lua_replace(L, 3);
}

/* receive([pattern [, prefix]]) of LuaSec, of which the first call said "timeout". */
static int receive_rest(lua_State *L, Sock *s, short awaits, int64_t begun) {
  size_t prefix = 0;
  Pieces p = {0};
  lua_Integer wanted = lua_isnumber(L, 2) ? (lua_Integer)lua_tonumber(L, 2) : -1;
  lua_tolstring(L, 3, &prefix);
  for (;;) {
    SockWait wait = sock_wait(L, s, awaits, sock_deadline(s, begun));
    if (wait == SOCK_LATE) return finish(L, &p, prefix);
    gather(L, &p, 7);
    if (wait == SOCK_CLOSED) break;
    if (p.n > 0) ask_rest(L, &p, wanted);
    lua_settop(L, 4);
    int results = call(L, 3);
    awaits = awaited(L, 4, POLLIN);
    if (awaits == 0) return p.n == 0 ? results : finish(L, &p, prefix);
  }
  fail(L, "closed");
  push_pieces(L, &p);
  return 3;
}

/* receive([pattern [, prefix]]) of LuaSec */
static int tls_receive(lua_State *L) {
  int n = lua_gettop(L);
  int64_t begun = clock_ns();
  Sock *s = sock_of(L);
  if (s == NULL) return call(L, n);
  if (s->ssl != NULL) return stream_receive(L);
  if (s->closing) {
    fail(L, "closed");
    lua_pushstring(L, luaL_optstring(L, 3, ""));
    return 3;
  }
  int results = call(L, n);
  short awaits = awaited(L, n, POLLIN);
  if (awaits == 0) return results;
  /* 1 … 3 the arguments, 4 for pieces, 5 … 7 what came */
  for (; n < 4; n++) {
    lua_pushnil(L);
    lua_insert(L, n + 1);
  }
  for (; n > 4; n--) lua_remove(L, 4);
  lua_pushnil(L);
  lua_replace(L, 4);
  return receive_rest(L, s, awaits, begun);
}

/* send(data [, i [, j]]) of LuaSec -> last index, or nil, why, last index */
static int tls_send(lua_State *L) {
  int64_t begun = clock_ns();
  Sock *s = sock_of(L);
  if (s == NULL) return call(L, lua_gettop(L));
  if (s->ssl != NULL) return stream_send(L);
  while (!s->closing) {
    int n = lua_gettop(L), results = call(L, n);
    short awaits = awaited(L, n, POLLOUT);
    if (awaits == 0) return results;
    SockWait wait = sock_wait(L, s, awaits, sock_deadline(s, begun));
    if (wait == SOCK_LATE) return results;
    lua_Number sent = lua_tonumber(L, n + 3);
    lua_settop(L, n);
    lua_settop(L, 4);
    lua_pushinteger(L, (lua_Integer)sent + 1); /* behind what was sent */
    lua_replace(L, 3);
  }
  fail(L, "closed");
  lua_pushnumber(L, luaL_optnumber(L, 3, 1) - 1);
  return 3;
}

/* getfamily(), getsockname(), getpeername(): the family comes last. */
static int network_family(lua_State *L) {
  const Sock *s = sock_of(L);
  int results = call(L, lua_gettop(L));
  if (s == NULL || s->connected == 0 || results == 2) return results;
  lua_pop(L, 1);
  lua_pushstring(L, s->connected == AF_INET6 ? "inet6" : results == 1 ? "inet4" : "inet");
  return results;
}

/* dohandshake() of a connection of LuaSec */
static int tls_dohandshake(lua_State *L) {
  int64_t begun = clock_ns();
  Sock *s = sock_of(L);
  if (s == NULL || s->ssl == NULL || s->ssl->connected) return whole(L, POLLIN | POLLOUT);
  int err = s->closing ? STREAM_CLOSED : tls_handshake(L, s, begun);
  if (err == 0) return whole(L, POLLIN | POLLOUT); /* it is done: LuaSec hears of it */
  lua_pushboolean(L, 0);
  lua_pushstring(L, tls_words(s->ssl, err));
  return 2;
}

/* Any other method of LuaSec: nobody else is in the SSL meanwhile, as the lock is kept. */
static int tls_other(lua_State *L) {
  const Sock *s = sock_of(L);
  if (s != NULL && s->ssl != NULL && s->ssl->busy) {
    tls_enter(L, s->ssl);
    tls_leave(L, s->ssl);
  }
  return call(L, lua_gettop(L));
}

/* sni(name), or of a server sni(contexts [, strict]), which has the handshake call Lua */
static int tls_sni(lua_State *L) {
  const Sock *s = sock_of(L);
  if (s != NULL && s->ssl != NULL && lua_istable(L, 2)) s->ssl->context->calls_lua = true;
  return tls_other(L);
}

/* LuaSec's last words to the other end go out with the lock: they find room, or the connection is over. */
static void tls_end(lua_State *L, Sock *s) {
  struct pollfd fd = {.fd = sock_number(L, 1), .events = POLLOUT};
  bool room = fd.fd < 0 || os_poll_now(&fd, 1) > 0;
  if (!room && sock_wait(L, s, POLLOUT, sock_deadline(s, clock_ns())) != SOCK_READY) shutdown(fd.fd, SHUT_RDWR);
  if (s->ssl != NULL && s->ssl->busy) {
    tls_enter(L, s->ssl);
    tls_leave(L, s->ssl);
  }
  if (s->ssl != NULL) s->ssl->closed = true;
}

/* setfd(fd): how LuaSec takes a socket over, whose own class then exists. */
static int sock_setfd(lua_State *L) {
  Sock *s = sock_of(L);
  if (s != NULL) {
    sock_forget_descriptor(s);
    s->lent = true; /* whoever gives it has it */
  }
  sock_wrap(L, "SSL:Connection");
  return call(L, lua_gettop(L));
}

/* close(): brings out who waits for the object first. */
static int sock_close(lua_State *L) {
  int n = lua_gettop(L);
  Sock *s = sock_of(L);
  Tstate *ts = park_self(L);
  if (s != NULL && s->waiting > 0) {
    s->closing = true;
    shutdown(sock_number(L, 1), SHUT_RDWR);
    while (s->waiting > 0) park_check(L, ts, park(ts, &s->closers, CLOCK_NEVER, "socket", s));
  }
  if (s != NULL) s->closed_as = s->connected != 0 ? s->connected : sock_family(L, s);
  if (s != NULL && s->tls) tls_end(L, s);
  if (s != NULL) sock_forget_descriptor(s);
  return call(L, n);
}

/* settimeout([seconds [, mode]]): nil or below 0 is none */
static int sock_settimeout(lua_State *L) {
  Sock *s = sock_of(L);
  if (s == NULL) return call(L, lua_gettop(L));
  double seconds = luaL_optnumber(L, 2, -1);
  const char *mode = luaL_optstring(L, 3, "b");
  if (*mode == 'b') s->block = seconds;
  else if (*mode == 'r' || *mode == 't') s->total = seconds;
  else luaL_argerror(L, 3, "invalid timeout mode");
  lua_pushnumber(L, 1);
  return 1;
}

/* gettimeout() -> block, total */
static int sock_gettimeout(lua_State *L) {
  const Sock *s = sock_of(L);
  if (s == NULL) return call(L, lua_gettop(L));
  lua_pushnumber(L, s->block);
  lua_pushnumber(L, s->total);
  return 2;
}

static const luaL_Reg common[] = {
    {"accept", sock_accept}, {"close", sock_close}, {"setfd", sock_setfd}, {"settimeout", sock_settimeout}, {"gettimeout", sock_gettimeout}, {NULL, NULL}};
static const luaL_Reg tls[] = {{"dohandshake", tls_dohandshake}, {"receive", tls_receive}, {"send", tls_send}, {"sni", tls_sni}, {NULL, NULL}};
static const luaL_Reg datagram[] = {{"receive", whole_in},
                                    {"receivefrom", whole_in},
                                    {"send", sock_send_datagram},
                                    {"sendto", sock_send_datagram},
                                    {NULL, NULL}};
static const luaL_Reg network[] = {
    {"bind", sock_to_host},         {"connect", sock_to_host},       {"setpeername", sock_to_host},   {"setsockname", sock_to_host},
    {"getfamily", network_family}, {"getsockname", network_family}, {"getpeername", network_family}, {NULL, NULL}};
static const luaL_Reg local_stream[] = {{"connect", sock_unix_connect}, {NULL, NULL}};

/* The stack has the methods and, on top, their originals. */
static void replace(lua_State *L, const luaL_Reg *methods) {
  for (; methods->name != NULL; methods++) {
    if (lua_getfield(L, -1, methods->name) == LUA_TNIL) {
      lua_pop(L, 1);
      continue;
    }
    lua_pushvalue(L, -2);
    lua_getfield(L, -1, "getfd");
    lua_pushcclosure(L, methods->func, 3);
    lua_setfield(L, -3, methods->name);
  }
}

/* LuaSec's: the metatable is below the methods and their originals. */
static void replace_tls(lua_State *L) {
  int originals = lua_gettop(L), methods = originals - 1;
  replace(L, tls);
  for (const luaL_Reg *m = stream_methods; m->name != NULL; m++) {
    const luaL_Reg one[] = {*m, {NULL, NULL}};
    if (strcmp(m->name, "receive") != 0 && strcmp(m->name, "send") != 0) replace(L, one);
  }
  for (lua_pushnil(L); lua_next(L, originals) != 0; lua_pop(L, 1)) {
    lua_pushvalue(L, -2);
    lua_gettable(L, methods);
    bool is_ours = !lua_rawequal(L, -1, -2);
    lua_pop(L, 1);
    if (is_ours || lua_type(L, -2) != LUA_TSTRING) continue;
    const luaL_Reg other[] = {{lua_tostring(L, -2), tls_other}, {NULL, NULL}};
    lua_pushvalue(L, methods);
    lua_pushvalue(L, originals);
    replace(L, other); /* an entry of methods that is there */
    lua_pop(L, 2);
  }
  lua_getfield(L, methods, "close");
  lua_setfield(L, methods - 1, "__close");
}

void sock_wrap(lua_State *L, const char *name) {
  bool udp = strncmp(name, "udp", 3) == 0, tcp = strncmp(name, "tcp", 3) == 0;
  int top = lua_gettop(L);
  luaL_checkstack(L, 8, NULL);
  if (luaL_getmetatable(L, name) == LUA_TTABLE && lua_getfield(L, -1, "gilua") == LUA_TNIL) {
    lua_pop(L, 1);
    lua_getfield(L, -1, "__index");
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_setfield(L, -4, "gilua");
    for (lua_pushnil(L); lua_next(L, -3) != 0;) {
      lua_pushvalue(L, -2);
      lua_insert(L, -2);
      lua_rawset(L, -4);
    }
    replace(L, common);
    if (strncmp(name, "SSL:", 4) == 0) replace_tls(L);
    else replace(L, udp || strncmp(name, "unixdgram", 9) == 0 ? datagram : stream_methods);
    if (udp) replace(L, datagram_methods);
    if (tcp || udp) replace(L, network);
    if (strncmp(name, "unixstream", 10) == 0) replace(L, local_stream);
  }
  lua_settop(L, top);
}
