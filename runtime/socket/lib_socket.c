/* The module: LuaSocket's table with our functions in it. */
#include "runtime/socket/lib_socket.h"

#include <string.h>

/* socket.sleep(seconds) */
static int module_sleep(lua_State *L) {
  double seconds = luaL_checknumber(L, 1);
  if (!(seconds > 0)) seconds = 0;
  int64_t deadline = seconds == 0 ? 0 : seconds > PARK_TIMEOUT_MAX ? CLOCK_NEVER : clock_deadline(seconds);
  Tstate *ts = park_self(L);
  park_check(L, ts, park(ts, NULL, deadline, "sleep", NULL));
  return 0;
}

/* Calls method `name` of the object at the top with `given` arguments; its results take their place. */
static int object_call(lua_State *L, int object, const char *name, int given, int results) {
  lua_getfield(L, object, name);
  lua_insert(L, -1 - given);
  lua_pushvalue(L, object);
  lua_insert(L, -1 - given);
  lua_call(L, given + 1, results);
  return results;
}

/* socket.connect(host, port [, local host, local port [, family]]) -> object, or nil and what went wrong */
static int module_connect(lua_State *L) {
  const char *family = luaL_optstring(L, 5, "unspec");
  const char *maker = strcmp(family, "inet6") == 0 ? "tcp6" : strcmp(family, "inet") == 0 ? "tcp4" : "tcp";
  luaL_checkstring(L, 1);
  luaL_checkstring(L, 2);
  lua_settop(L, 5);
  lua_getfield(L, lua_upvalueindex(1), maker);
  lua_call(L, 0, 2);
  if (lua_isnil(L, 6)) return 2;
  lua_settop(L, 6);
  if (!lua_isnil(L, 3)) {
    lua_pushvalue(L, 3);
    if (lua_isnil(L, 4)) lua_pushliteral(L, "0");
    else lua_pushvalue(L, 4);
    object_call(L, 6, "bind", 2, 2);
    if (lua_isnil(L, 7)) goto failed;
    lua_settop(L, 6);
  }
  lua_pushvalue(L, 1);
  lua_pushvalue(L, 2);
  object_call(L, 6, "connect", 2, 2);
  if (lua_isnil(L, 7)) goto failed;
  lua_settop(L, 6);
  return 1;
failed:
  object_call(L, 6, "close", 0, 0);
  return 2;
}

/* The descriptors of select; in a userdata, with room for one more. */
typedef struct Selection {
  struct pollfd *fds;
  size_t room;
  unsigned n;
  bool dirty; /* some object has bytes that it read before: nobody waits */
} Selection;

/* Adds the objects in the table at index `list`, to be waited for with events. */
static void add_objects(lua_State *L, Selection *sel, int list, short events) {
  int top = lua_gettop(L);
  if (lua_isnoneornil(L, list)) return;
  for (lua_Integer i = 1; sel->n < sel->room; i++) {
    if (lua_geti(L, list, i) == LUA_TNIL) break;
    int object = lua_gettop(L);
    object_call(L, object, "getfd", 0, 1);
    sel->fds[sel->n] = (struct pollfd){.fd = (int)luaL_optinteger(L, -1, -1), .events = events};
    lua_pop(L, 1);
    if (events == POLLIN && lua_getfield(L, object, "dirty") != LUA_TNIL) {
      lua_pushvalue(L, object);
      lua_call(L, 1, 1);
      if (lua_toboolean(L, -1)) sel->fds[sel->n].revents = POLLIN;
      sel->dirty = sel->dirty || lua_toboolean(L, -1);
    }
    sel->n++;
    lua_settop(L, top);
  }
  lua_settop(L, top);
}

/* Pushes the table of those that are ready: {object, …; [object] = index}. */
static int push_ready(lua_State *L, const struct pollfd *fds, unsigned n, int list, short events) {
  int found = 0;
  lua_newtable(L);
  for (unsigned i = 0; i < n; i++) {
    if ((fds[i].revents & (events | POLLERR | (events == POLLIN ? POLLHUP : 0))) == 0) continue;
    lua_geti(L, list, (lua_Integer)i + 1);
    lua_pushvalue(L, -1);
    lua_rawseti(L, -3, ++found);
    lua_pushinteger(L, found);
    lua_rawset(L, -3);
  }
  return found;
}

static size_t length(lua_State *L, int list) {
  if (lua_isnoneornil(L, list)) return 0;
  luaL_checktype(L, list, LUA_TTABLE);
  return (size_t)luaL_len(L, list);
}

/* What read-ahead has found stays found. */
static ParkResult look(lua_State *L, Tstate *ts, Selection *sel, int64_t deadline) {
  if (!sel->dirty && deadline != 0) {
    blocking_name(ts, "select");
    return blocking_wait_fds(ts, sel->fds, sel->n, deadline);
  }
  unsigned *dirty = lua_newuserdatauv(L, (sel->n + 1) * sizeof *dirty, 0);
  for (unsigned i = 0; i < sel->n; i++) dirty[i] = (unsigned)sel->fds[i].revents;
  int ready = poll(sel->fds, sel->n, 0);
  for (unsigned i = 0; i < sel->n; i++)
    sel->fds[i].revents = (short)((ready > 0 ? sel->fds[i].revents : 0) | (short)dirty[i]);
  return ready > 0 || sel->dirty ? PARK_GRANTED : PARK_TIMEOUT;
}

/* socket.select(to read, to write [, seconds]) -> ready to read, ready to write [, "timeout"] */
static int module_select(lua_State *L) {
  double seconds = luaL_optnumber(L, 3, -1);
  lua_settop(L, 3);
  size_t readers = length(L, 1), writers = length(L, 2);
  Selection sel = {.fds = lua_newuserdatauv(L, (readers + writers + 1) * sizeof *sel.fds, 0), .room = readers};
  add_objects(L, &sel, 1, POLLIN);
  unsigned split = sel.n;
  sel.room = split + writers;
  add_objects(L, &sel, 2, POLLOUT);
  int64_t deadline = seconds == 0 ? 0 : !(seconds > 0) || seconds > PARK_TIMEOUT_MAX ? CLOCK_NEVER : clock_deadline(seconds);
  Tstate *ts = park_self(L);
  ParkResult result = look(L, ts, &sel, deadline);
  if (result != PARK_GRANTED && result != PARK_TIMEOUT) park_check(L, ts, result);
  if (result == PARK_TIMEOUT)
    for (unsigned i = 0; i < sel.n; i++) sel.fds[i].revents = 0;
  int found = push_ready(L, sel.fds, split, 1, POLLIN);
  found += push_ready(L, sel.fds + split, sel.n - split, 2, POLLOUT);
  if (found > 0) return 2;
  lua_pushliteral(L, "timeout");
  return 3;
}

/* Calls require(name); false with the message on top. */
static bool load(lua_State *L, const char *name) {
  lua_getglobal(L, "require");
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

static void wrap_all(lua_State *L) {
  static const char *const streams[] = {"master", "client", "server", NULL};
  static const char *const datagrams[] = {"unconnected", "connected", NULL};
  wrap(L, "tcp", streams);
  wrap(L, "unixstream", streams);
  wrap(L, "unix", streams);
  wrap(L, "udp", datagrams);
  wrap(L, "unixdgram", datagrams);
}

/* gilua.socket.http and the other modules of LuaSocket are required when their field is first read. */
static int load_field(lua_State *L) {
  static const char *const parts[] = {"ftp", "headers", "http", "smtp", "tp", "unix", "url", NULL};
  for (const char *const *part = parts; *part != NULL; part++) {
    if (lua_type(L, 2) != LUA_TSTRING || strcmp(lua_tostring(L, 2), *part) != 0) continue;
    lua_pushfstring(L, "socket.%s", *part);
    if (!load(L, lua_tostring(L, -1))) return lua_error(L);
    wrap_all(L);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, -2);
    lua_rawset(L, 1);
    return 1;
  }
  lua_pushvalue(L, 2);
  lua_gettable(L, lua_upvalueindex(1));
  return 1;
}

int lib_socket_open(lua_State *L) {
  if (!load(L, "socket"))
    return luaL_error(L, "gilua.socket needs LuaSocket: install the Debian package 'lua-socket', or the rock 'luasocket'\n%s",
                      luaL_tolstring(L, -1, NULL));
  wrap_all(L);
  lua_pushcfunction(L, module_select);
  lua_setfield(L, -2, "select");
  lua_pushcfunction(L, module_sleep);
  lua_setfield(L, -2, "sleep");
  lua_pushvalue(L, -1);
  lua_pushcclosure(L, module_connect, 1);
  lua_setfield(L, -2, "connect");
  lua_getfield(L, -1, "dns");
  dns_replace(L);
  lua_pop(L, 1);
  lua_newtable(L);
  lua_createtable(L, 0, 1);
  lua_pushvalue(L, -3);
  lua_pushcclosure(L, load_field, 1);
  lua_setfield(L, -2, "__index");
  lua_setmetatable(L, -2);
  return 1;
}
