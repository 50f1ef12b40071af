/* Handles, owners, waits of streams. Reading and writing are in read.c and write.c. */
#include "runtime/io/stream.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/os/poll.h"
#include "runtime/os/signals.h"
#include "runtime/state/finalizer.h"
#include "runtime/state/request.h"
#include "runtime/state/weak.h"

enum { AT_ONCE_NS = 3000 };

static const char foreign_key = 0; /* registry: handle of another module -> userdata with its Stream; weak keys */

static const char ours = 0; /* its address marks our handles */

/* A handle of ours: as long as the standard part, other modules know it. */
typedef struct Handle {
  luaL_Stream std;
  const char *mark; /* [i] */
  Stream stream;
} Handle;

luaL_Stream *stream_push_handle(lua_State *L) {
  Handle *h = lua_newuserdatauv(L, sizeof *h, 0);
  memset(h, 0, sizeof *h);
  h->mark = &ours;
  luaL_setmetatable(L, LUA_FILEHANDLE);
  return &h->std;
}

static int foreign_gc(lua_State *L) {
  stream_forget(lua_touserdata(L, 1));
  return 0;
}

static Stream *foreign(lua_State *L, int i) {
  i = lua_absindex(L, i);
  luaL_checkstack(L, 6, NULL);
  weak_push(L, &foreign_key, "k");
  lua_pushvalue(L, i);
  if (lua_rawget(L, -2) == LUA_TNIL) {
    lua_pop(L, 1);
    Stream *s = lua_newuserdatauv(L, sizeof *s, 0);
    memset(s, 0, sizeof *s);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, foreign_gc);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    lua_pushvalue(L, i);
    lua_pushvalue(L, -2);
    lua_rawset(L, -4);
  }
  Stream *s = lua_touserdata(L, -1);
  lua_pop(L, 2);
  return s;
}

luaL_Stream *stream_ours(lua_State *L, int i) {
  if (lua_type(L, i) != LUA_TUSERDATA || lua_rawlen(L, i) != sizeof(Handle)) return NULL;
  Handle *h = lua_touserdata(L, i);
  return h->mark == &ours ? &h->std : NULL;
}

Stream *stream_of(lua_State *L, int i) {
  Handle *h = (Handle *)stream_ours(L, i);
  return h != NULL ? &h->stream : foreign(L, i);
}

/* In a forked child the owner may be a thread that did not come along. */
static bool owner_lives(const Tstate *ts, const Stream *s) {
  for (const Tstate *t = ts->rt->threads; t != NULL; t = t->next)
    if (t->ident == s->lock.holder) return true;
  return false;
}

bool stream_in_use(const Stream *s) { return s->lock.holder != 0; }

static bool claim(Tstate *ts, Waiter *w) { return lock_try(ts, &((Stream *)w->object)->lock); }

static void wait_for_owner(lua_State *L, StreamCall *c) {
  c->amid = c->s->lock.holder == c->ts->ident || waits_forbidden(c->ts); /* its own: a signal handler, amid that call */
  if (c->amid) return;
  if (owner_lives(c->ts, c->s)) {
    ParkResult result = park_claim(c->ts, &c->s->lock.waiters, CLOCK_NEVER, "file", c->s, claim);
    if (result != PARK_GRANTED) park_check(L, c->ts, result);
  } else {
    c->s->lock = (Lock){.holder = c->ts->ident, .depth = 1};
  }
  c->owner = true;
}

void stream_begin(lua_State *L, StreamCall *c, const luaL_Stream *p, Stream *s) {
  if (p->closef == NULL) luaL_error(L, "attempt to use a closed file");
  stream_begin_close(L, c, p->f, s);
}

void stream_begin_close(lua_State *L, StreamCall *c, FILE *f, Stream *s) {
  *c = (StreamCall){.ts = park_self(L), .f = f, .s = s};
  if (__builtin_expect(s->lock.holder != 0, 0)) wait_for_owner(L, c);
}

void stream_end(StreamCall *c) {
  int saved = errno;
  stream_let(c);
  if (c->owner) lock_release(c->ts, &c->s->lock);
  c->owner = false;
  errno = saved;
}

void stream_check(lua_State *L, const StreamCall *c, StreamResult result) {
  assert(!c->owner && !c->held);
  if (result == STREAM_STOPPED) park_check(L, c->ts, c->park);
  if (result != STREAM_NO_MEMORY) return;
  lua_pushliteral(L, "not enough memory"); /* as Lua says it: without a position */
  lua_error(L);
}

static void own(StreamCall *c) {
  if (!c->owner) c->owner = lock_try(c->ts, &c->s->lock); /* false only in a finalizer: see the header */
}

void stream_leave(StreamCall *c, const char *what) {
  own(c);
  blocking_begin_brief(c->ts, what);
  if (!c->held) flockfile(c->f);
  c->held = true;
}

void stream_back(StreamCall *c) {
  int saved = errno;
  stream_let(c);
  blocking_end(c->ts);
  errno = saved;
}

void stream_hold_slow(StreamCall *c) {
  do {
    stream_leave(c, "file");
    stream_back(c);
  } while (ftrylockfile(c->f) != 0);
}

bool stream_slow(StreamCall *c) {
  Stream *s = c->s;
  struct stat st;
  if (s->known) return s->slow;
  int saved = errno, fd = fileno(c->f);
  s->known = true;
  s->slow = s->pipe = false;
  if (fd >= 0 && fstat(fd, &st) == 0) {
    s->pipe = s->at_once = S_ISFIFO(st.st_mode);
    s->slow = s->pipe || S_ISSOCK(st.st_mode) || (S_ISCHR(st.st_mode) && isatty(fd));
  }
  errno = saved;
  return s->slow;
}

/* Waiting at once is one look less: where nobody gets the lock meanwhile, and no request ends what need not wait. */
static bool nobody_minds(Tstate *ts) { return !gil_wanted(&ts->gil) && !request_pending(ts); }

bool stream_ready(const StreamCall *c, short events) {
  struct pollfd now = {.fd = fileno(c->f), .events = events};
  return os_poll_now(&now, 1) != 0; /* or refused, and read and write tell why */
}

StreamResult stream_await(StreamCall *c, short events) {
  if (events == POLLIN && nobody_minds(c->ts)) return stream_sleep(c, events);
  return stream_ready(c, events) ? STREAM_OK : stream_sleep(c, events);
}

StreamResult stream_sleep(StreamCall *c, short events) {
  short revents;
  own(c);
  stream_let(c);
  blocking_name(c->ts, (events & POLLIN) != 0 ? "read" : "write");
  c->park = blocking_wait_fd(c->ts, fileno(c->f), events, CLOCK_NEVER, &revents);
  return c->park == PARK_GRANTED ? STREAM_OK : STREAM_STOPPED;
}

typedef struct Read {
  int fd;
  char *to;
  size_t n;
  ssize_t k;
} Read;

static void read_waiting(void *arg) {
  Read *r = arg;
  r->k = read(r->fd, r->to, r->n);
}

bool stream_may_wait_in_read(const StreamCall *c) {
  Tstate *ts = c->ts;
  return c->s->opened && !request_pending(ts) && ts->rt->gil.schedule == NULL && blocking_by_signal(ts);
}

bool stream_idles(const StreamCall *c) { return c->s->idles || (!c->s->at_once && !gil_wanted(&c->ts->gil)); }

bool stream_wait_read(StreamCall *c, char *to, size_t n, ssize_t *k) {
  Tstate *ts = c->ts;
  Stream *s = c->s;
  Gil *g = &ts->rt->gil;
  Read r = {.fd = fileno(c->f), .to = to, .n = n, .k = -1};
  own(c);
  stream_let(c);
  if (s->reader != ts->ident) os_unblock_signal(gil_ask_signal(g)); /* C code may have blocked it */
  s->reader = ts->ident;
  blocking_name(ts, "read");
  bool ended;
  uint64_t first = clock_ticks(&g->clock);
  ParkResult result = blocking_wait_read(ts, CLOCK_NEVER, s, r.fd, read_waiting, &r, &ended);
  int err = errno, off = 0;
  s->idles = (double)(clock_ticks(&g->clock) - first) > AT_ONCE_NS * g->ticks_per_ns;
  if (ended) ioctl(r.fd, FIONBIO, &off);
  errno = err;
  *k = r.k;
  return result == PARK_GRANTED && (r.k >= 0 || (err != EAGAIN && err != EINTR));
}

void stream_forget(Stream *s) {
  free(s->spill);
  s->spill = NULL;
  s->room = 0;
}
