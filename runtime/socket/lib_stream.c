/* The methods of connected streams: LuaSocket's results, read and sent past it.
 *
 *   tcp:receive([pattern = "*l" [, prefix]]) -> string, or nil, message, partial     a line, "*a": to the end, a number: bytes
 *   tcp:send(data [, i [, j]]) -> number, or nil, message, number                    the last byte that was sent
 *   tcp:dirty() -> boolean                   whether something was read ahead
 *   tcp:getfd() -> number
 *   tcp:getstats() -> number, number, number bytes received, sent, age in seconds
 *   tcp:setstats([received [, sent [, age]]]) -> 1
 */
#include <limits.h>
#include <string.h>

#include "runtime/socket/tls.h"

enum { SIP = 256, CHUNK = 8192, PIECE = 65536, AHEAD = 4, TOP = 4 }; /* AHEAD: the stack has what was read ahead there while it is used */

typedef enum Kind { LINE, ALL, COUNT } Kind;

typedef struct Wanted {
  Kind kind;
  size_t left;   /* of COUNT */
  size_t taken;  /* so far, without the prefix */
  bool done;
} Wanted;

static int call(lua_State *L) { return sock_original(L, ORIGINAL, lua_gettop(L)); }

/* Calls LuaSocket's method `name` of the object at index 1 with an integer, which not all take; one result is pushed. */
static void ask(lua_State *L, const char *name, lua_Integer given) {
  lua_getfield(L, ORIGINALS, name);
  lua_pushvalue(L, 1);
  lua_pushinteger(L, given);
  lua_call(L, 2, 1);
}

/* Keeps n bytes for the next receive, behind those that are there already. */
static void keep(lua_State *L, Sock *s, const char *bytes, size_t n) {
  if (n == 0) return;
  lua_getiuservalue(L, 1, 1);
  lua_pushlstring(L, bytes, n);
  if (s->kept > 0) {
    lua_pushlstring(L, s->ahead, s->kept);
    lua_insert(L, -2);
    lua_concat(L, 2);
  }
  s->ahead = lua_tolstring(L, -1, &s->kept);
  lua_setiuservalue(L, -2, 1);
  lua_pop(L, 1);
}

/* Takes up to n of the bytes that were kept; they stay at AHEAD. */
static const char *use(lua_State *L, Sock *s, size_t n) {
  const char *bytes = s->ahead;
  s->ahead += n;
  s->kept -= n;
  if (s->kept > 0) return bytes;
  lua_getiuservalue(L, 1, 1);
  lua_pushnil(L);
  lua_setiuservalue(L, -2, 1);
  lua_pop(L, 1);
  return bytes;
}

/* What LuaSocket has read ahead before the object was ours. */
static void take_over(lua_State *L, Sock *s) {
  for (;;) {
    ask(L, "dirty", 0);
    bool dirty = lua_toboolean(L, -1);
    lua_pop(L, 1);
    if (!dirty) return;
    size_t n;
    ask(L, "receive", 1);
    const char *bytes = lua_tolstring(L, -1, &n);
    if (bytes != NULL) keep(L, s, bytes, n);
    lua_pop(L, 1);
  }
}

/* The record of the connected stream at index 1, NULL if it is none: LuaSocket's method tells. */
static Sock *stream_of(lua_State *L) {
  Sock *s = sock_of(L);
  if (s == NULL || s->stream || s->ssl != NULL) return s;
  if (luaL_getmetafield(L, 1, "__name") != LUA_TSTRING) return NULL;
  s->stream = strstr(lua_tostring(L, -1), "{client}") != NULL;
  lua_pop(L, 1);
  if (!s->stream) return NULL;
  take_over(L, s);
  return s;
}

/* When a call begins; nobody asks where nothing is timed. */
static int64_t begin(const Sock *s) { return s->block < 0 && s->total < 0 ? 0 : clock_ns(); }

/* How many of the bytes are used. */
static size_t measure(Wanted *w, const char *bytes, size_t n) {
  size_t used = n;
  const char *end = w->kind == LINE ? memchr(bytes, '\n', n) : NULL;
  if (end != NULL) used = (size_t)(end - bytes) + 1;
  if (w->kind == COUNT && n > w->left) used = w->left;
  if (w->kind == COUNT) w->left -= used;
  w->done = w->kind == COUNT ? w->left == 0 : end != NULL;
  w->taken += used;
  return used;
}

/* A line has no \r, wherever that stood, and no \n. */
static void add(luaL_Buffer *b, const Wanted *w, const char *bytes, size_t n) {
  if (w->kind == LINE && w->done) n--;
  while (w->kind == LINE) {
    const char *cr = memchr(bytes, '\r', n);
    if (cr == NULL) break;
    luaL_addlstring(b, bytes, (size_t)(cr - bytes));
    n -= (size_t)(cr - bytes) + 1;
    bytes = cr + 1;
  }
  luaL_addlstring(b, bytes, n);
}

static void add_kept(lua_State *L, Sock *s, Wanted *w, luaL_Buffer *b) {
  lua_getiuservalue(L, 1, 1);
  lua_getiuservalue(L, -1, 1);
  lua_replace(L, AHEAD); /* a finalizer may receive, too */
  lua_pop(L, 1);
  size_t used = measure(w, s->ahead, s->kept);
  add(b, w, use(L, s, used), used);
}

static int read_some(lua_State *L, Sock *s, char *bytes, size_t n, size_t *got, int64_t begun) {
  return (s->ssl != NULL ? tls_read : stream_read)(L, s, bytes, n, got, begun);
}

static int write_all(lua_State *L, Sock *s, const char *bytes, size_t n, size_t *sent, int64_t begun) {
  return (s->ssl != NULL ? tls_write : stream_write)(L, s, bytes, n, sent, begun);
}

static const char *words(const Sock *s, int err) { return s->ssl != NULL ? tls_words(s->ssl, err) : stream_words(err); }

/* Much is read to where it stays. */
static int add_piece(lua_State *L, Sock *s, Wanted *w, luaL_Buffer *b, int64_t begun) {
  size_t n = w->kind == COUNT && w->left < PIECE ? w->left : PIECE, got;
  char *place = luaL_prepbuffsize(b, n);
  int err = read_some(L, s, place, n, &got, begun);
  luaL_addsize(b, got);
  measure(w, place, got);
  return err;
}

static int add_chunk(lua_State *L, Sock *s, Wanted *w, luaL_Buffer *b, int64_t begun) {
  char bytes[CHUNK];
  size_t got, used;
  int err = read_some(L, s, bytes, sizeof bytes, &got, begun);
  if (err != 0) return err;
  s->gushes = got > SIP;
  used = measure(w, bytes, got);
  keep(L, s, bytes + used, got - used);
  add(b, w, bytes, used);
  return 0;
}

static int fill(lua_State *L, Sock *s, Wanted *w, luaL_Buffer *b, int64_t begun) {
  int err = 0;
  while (err == 0 && !w->done) {
    bool much = w->kind == COUNT ? w->left > CHUNK : w->kind == ALL && w->taken >= CHUNK;
    if (s->kept > 0) add_kept(L, s, w, b);
    else err = (much ? add_piece : add_chunk)(L, s, w, b, begun);
  }
  return w->kind == ALL && err == STREAM_CLOSED && w->taken > 0 ? 0 : err;
}

static Wanted wanted(lua_State *L, size_t prefix) {
  static const lua_Number most = 1e15;
  Wanted w = {.kind = COUNT};
  if (!lua_isnumber(L, 2)) {
    const char *p = luaL_optstring(L, 2, "*l");
    luaL_argcheck(L, p[0] == '*' && (p[1] == 'l' || p[1] == 'a'), 2, "invalid receive pattern");
    w.kind = p[1] == 'l' ? LINE : ALL;
    return w;
  }
  lua_Number n = lua_tonumber(L, 2);
  luaL_argcheck(L, n >= 0, 2, "invalid receive pattern");
  size_t all = (size_t)(n < most ? n : most);
  w.done = prefix > 0 && all <= prefix;
  w.left = all > prefix ? all - prefix : 0;
  return w;
}

/* Pushes the first bytes of a call, without a buffer: most calls need no more. Thousands of threads may wait here, each on a stack of
 * which another page would be touched. */
static __attribute__((noinline)) int push_sip(lua_State *L, Sock *s, Wanted *w, int64_t begun) {
  char bytes[SIP];
  size_t got, used, n;
  int err = read_some(L, s, bytes, sizeof bytes, &got, begun);
  s->gushes = got == SIP;
  if (err != 0) return err;
  used = measure(w, bytes, got);
  keep(L, s, bytes + used, got - used);
  if (w->kind == LINE && w->done) used--;
  const char *cr = w->kind == LINE ? memchr(bytes, '\r', used) : NULL;
  n = cr != NULL ? (size_t)(cr - bytes) : used;
  for (size_t i = n; i < used; i++)
    if (bytes[i] != '\r') bytes[n++] = bytes[i];
  lua_pushlstring(L, bytes, n);
  return 0;
}

/* Pushes the results of a call that ended so; what came is on top. */
static int answer(lua_State *L, const Sock *s, int err) {
  if (err == 0) {
    lua_pushnil(L);
    lua_pushnil(L);
    return 3;
  }
  lua_pushnil(L);
  lua_insert(L, -2);
  lua_pushstring(L, words(s, err));
  lua_insert(L, -2);
  return 3;
}

/* The prefix and the bytes at TOP + 1, and what else comes. */
static __attribute__((noinline)) int receive_rest(lua_State *L, Sock *s, Wanted *w, int64_t begun) {
  luaL_Buffer b;
  size_t prefix, n;
  const char *part = lua_tolstring(L, 3, &prefix), *first = lua_tolstring(L, TOP + 1, &n);
  luaL_buffinit(L, &b);
  luaL_addlstring(&b, part, part != NULL ? prefix : 0);
  luaL_addlstring(&b, first, n);
  int err = s->closing ? STREAM_CLOSED : fill(L, s, w, &b, begun);
  luaL_pushresult(&b);
  return answer(L, s, err);
}

/* receive([pattern [, prefix]]) -> data, or nil, why, what came */
int stream_receive(lua_State *L) {
  size_t prefix;
  Sock *s = stream_of(L);
  if (s == NULL) return call(L);
  int64_t begun = begin(s);
  luaL_optlstring(L, 3, "", &prefix);
  Wanted w = wanted(L, prefix);
  lua_settop(L, TOP);
  bool sips = !w.done && prefix == 0 && s->kept == 0 && !s->gushes && !s->closing;
  int err = sips ? push_sip(L, s, &w, begun) : 0;
  if (!sips || err != 0) lua_pushliteral(L, "");
  if (err != 0 || (sips && w.done)) return answer(L, s, err);
  return receive_rest(L, s, &w, begun);
}

/* As C converts on most machines. */
static long index_of(lua_State *L, int i, lua_Number otherwise, size_t size) {
  static const lua_Number most = 9e18;
  lua_Number n = luaL_optnumber(L, i, otherwise);
  long index = n > -most && n < most ? (long)n : -LONG_MAX;
  return index < 0 ? (long)size + index + 1 : index;
}

/* send(data [, i [, j]]) -> last index, or nil, why, last index */
int stream_send(lua_State *L) {
  size_t size, sent = 0;
  Sock *s = stream_of(L);
  if (s == NULL) return call(L);
  int64_t begun = begin(s);
  const char *bytes = luaL_checklstring(L, 2, &size);
  long first = index_of(L, 3, 1, size), last = index_of(L, 4, -1, size);
  if (first < 1) first = 1;
  if (last > (long)size) last = (long)size;
  int err = s->closing ? STREAM_CLOSED : 0;
  if (err == 0 && first <= last) err = write_all(L, s, bytes + first - 1, (size_t)(last - first + 1), &sent, begun);
  lua_Number at = (lua_Number)((long)sent + first - 1);
  if (err == 0) lua_pushnumber(L, at);
  lua_pushnil(L);
  if (err == 0) {
    lua_pushnil(L);
    return 3;
  }
  lua_pushstring(L, words(s, err));
  lua_pushnumber(L, at);
  return 3;
}

/* dirty(): was more read than asked for? */
static int stream_dirty(lua_State *L) {
  const Sock *s = stream_of(L);
  if (s == NULL || (s->kept == 0 && (s->ssl == NULL || !tls_pending(s->ssl)))) return call(L);
  lua_pushboolean(L, 1);
  return 1;
}

/* getfd() */
static int stream_getfd(lua_State *L) {
  Sock *s = stream_of(L);
  if (s != NULL && s->ssl == NULL) stream_lend(L, s);
  return call(L);
}

/* getstats() -> received, sent, age. What is kept for the next receive does not count as received yet. */
static int stream_getstats(lua_State *L) {
  const Sock *s = stream_of(L);
  int n = lua_gettop(L), results = call(L);
  if (s == NULL || !lua_isnumber(L, n + 2)) return results;
  lua_pushnumber(L, lua_tonumber(L, n + 1) + s->received - (double)s->kept);
  lua_replace(L, n + 1);
  lua_pushnumber(L, lua_tonumber(L, n + 2) + s->sent);
  lua_replace(L, n + 2);
  return results;
}

/* setstats([received [, sent [, age]]]) */
static int stream_setstats(lua_State *L) {
  Sock *s = stream_of(L);
  int results = call(L);
  if (s != NULL && lua_isnumber(L, 2)) s->received = (double)s->kept;
  if (s != NULL && lua_isnumber(L, 3)) s->sent = 0;
  return results;
}

const luaL_Reg stream_methods[] = {{"receive", stream_receive},   {"send", stream_send},         {"dirty", stream_dirty}, {"getfd", stream_getfd},
                                   {"getstats", stream_getstats}, {"setstats", stream_setstats}, {NULL, NULL}};
