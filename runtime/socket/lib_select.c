/* socket.select, step by step as LuaSocket's: what is no socket is passed over, the objects that have read ahead come first, the
 * others by their descriptors, each once.
 *
 *   socket.select(receivers, senders [, timeout]) -> list, list, nil or "timeout"
 *
 * Lists of objects with getfd, or nil. The results name the objects that are ready, as elements and as keys.
 */
#include "runtime/os/poll.h"
#include "runtime/socket/lib_parts.h"

enum { READERS = 1, WRITERS, OBJECTS = 4, FDS, READ, WRITTEN }; /* the stack; OBJECTS: descriptor -> object */

/* The descriptors, those to read before those to write, each part in order; in the userdata at FDS. */
typedef struct Selection {
  struct pollfd *fds;
  unsigned room, n, split; /* split: where the part that grows begins */
} Selection;

/* Pushes the result of method `name` of the object on top; false, and nothing, if it has none. */
static bool ask(lua_State *L, const char *name) {
  if (lua_getfield(L, -1, name) == LUA_TNIL) {
    lua_pop(L, 1);
    return false;
  }
  lua_pushvalue(L, -2);
  lua_call(L, 1, 1);
  return true;
}

static bool is_dirty(lua_State *L) {
  bool is = ask(L, "dirty") && lua_toboolean(L, -1);
  lua_settop(L, WRITTEN + 1);
  return is;
}

/* One more place than there are descriptors: blocking_wait_fds wants it. */
static void make_room(lua_State *L, Selection *sel) {
  if (sel->n + 1 < sel->room) return;
  sel->room = 2 * sel->room + 16;
  struct pollfd *fds = lua_newuserdatauv(L, sel->room * sizeof *fds, 0);
  for (unsigned i = 0; i < sel->n; i++) fds[i] = sel->fds[i];
  sel->fds = fds;
  lua_replace(L, FDS);
}

/* The place of fd among those from `from` on, or where it would be. */
static unsigned place_of(const Selection *sel, unsigned from, int fd) {
  while (from < sel->n && sel->fds[from].fd < fd) from++;
  return from;
}

static void add(lua_State *L, Selection *sel, int fd, short events) {
  make_room(L, sel);
  bool last = sel->n > sel->split && sel->fds[sel->n - 1].fd < fd;
  unsigned i = last ? sel->n : place_of(sel, sel->split, fd);
  if (i < sel->n && sel->fds[i].fd == fd) return;
  for (unsigned k = sel->n++; k > i; k--) sel->fds[k] = sel->fds[k - 1];
  sel->fds[i] = (struct pollfd){.fd = fd, .events = events};
}

/* Pushes an element of a list; an __index gets a float for a key, as from LuaSocket. False, with nil pushed, behind the last. */
static bool push_element(lua_State *L, int list, lua_Number i) {
  lua_pushnumber(L, i);
  return lua_gettable(L, list) != LUA_TNIL;
}

static void collect(lua_State *L, Selection *sel, int list, short events) {
  sel->split = sel->n;
  if (lua_isnil(L, list)) return;
  luaL_checktype(L, list, LUA_TTABLE);
  for (lua_Number i = 1; push_element(L, list, i); i++) {
    int fd = sock_number(L, -1);
    if (fd >= 0) {
      add(L, sel, fd, events);
      lua_pushvalue(L, -1);
      lua_rawseti(L, OBJECTS, fd);
    }
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

/* Those that have read ahead are ready, and not waited for; returns how many. */
static int take_dirty(lua_State *L, const Selection *sel, unsigned readers) {
  int found = 0;
  if (lua_isnil(L, READERS)) return 0;
  for (lua_Number i = 1; push_element(L, READERS, i); i++) {
    int fd = sock_number(L, -1);
    if (fd >= 0 && is_dirty(L)) {
      lua_pushvalue(L, -1);
      lua_rawseti(L, READ, ++found);
      for (unsigned k = 0; k < readers; k++)
        if (sel->fds[k].fd == fd) sel->fds[k].fd = -1;
    }
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return found;
}

static ParkResult look(lua_State *L, Selection *sel, int64_t deadline) {
  Tstate *ts = park_self(L);
  if (deadline != 0) {
    blocking_name(ts, "select");
    return blocking_wait_fds(ts, sel->fds, sel->n, deadline);
  }
  return os_poll_now(sel->fds, sel->n) > 0 ? PARK_GRANTED : PARK_TIMEOUT;
}

/* Adds the ready ones of a part to the list at index `list`, which has `found` already; {object, …; [object] = place}. */
static void give(lua_State *L, const struct pollfd *fds, unsigned n, int list, int found, short ready) {
  for (unsigned i = 0; i < n; i++) {
    if (fds[i].fd < 0 || (fds[i].revents & ready) == 0) continue;
    lua_rawgeti(L, OBJECTS, fds[i].fd);
    lua_rawseti(L, list, ++found);
  }
  for (int i = 1; i <= found; i++) {
    lua_rawgeti(L, list, i);
    lua_pushnumber(L, i);
    lua_rawset(L, list);
  }
}

int lib_select(lua_State *L) {
  lua_Number seconds = luaL_optnumber(L, 3, -1);
  lua_settop(L, 3);
  Selection sel = {0};
  lua_newtable(L);
  lua_pushnil(L);
  lua_newtable(L);
  lua_newtable(L);
  make_room(L, &sel);
  collect(L, &sel, READERS, POLLIN);
  unsigned readers = sel.n;
  collect(L, &sel, WRITERS, POLLOUT);
  int dirty = take_dirty(L, &sel, readers);
  bool at_once = seconds == 0 || dirty > 0;
  ParkResult result = look(L, &sel, at_once ? 0 : sock_deadline_in(seconds));
  if (result == PARK_TIMEOUT && dirty == 0) {
    lua_pushliteral(L, "timeout");
    return 3;
  }
  if (result != PARK_TIMEOUT) park_check(L, park_self(L), result);
  for (unsigned i = 0; i < sel.n; i++) {
    if (result == PARK_TIMEOUT) sel.fds[i].revents = 0;
    if ((sel.fds[i].revents & POLLNVAL) != 0) return luaL_error(L, "select failed");
  }
  give(L, sel.fds, readers, READ, dirty, POLLIN | POLLHUP | POLLERR);
  give(L, sel.fds + readers, sel.n - readers, WRITTEN, 0, POLLOUT | POLLERR);
  return 2;
}
