/* Following waits from thread to thread. What is claimed is in deadlock.h. */
#include "runtime/sync/deadlock.h"

#include <assert.h>
#include <lauxlib.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/os/utf8.h"
#include "runtime/sync/lock.h"
#include "runtime/state/error.h"
#include "runtime/state/text.h"
#include "runtime/state/door.h"
#include "runtime/state/request.h"
#include "runtime/state/traceback.h"

enum { MOST_TOLD = 100, MOST_NAMED = 8 };

static const char says_everybody[] = "every thread waits, and nobody is left to wake one: ";

/* One wait as it was when it was found. */
typedef struct Edge {
  lua_Integer thread, holder; /* idents; holder 0: nobody in particular */
  const char *what;
  bool elsewhere; /* a lock that its holder took in a coroutine that it is not in now */
  char at[TRACEBACK_WHERE_SIZE];
} Edge;

typedef struct DeadlockReport {
  const char *says;
  unsigned total; /* threads concerned */
  unsigned n;     /* of these, told */
  Edge edges[];
} DeadlockReport;

typedef enum EdgeKind { EDGE_NONE, EDGE_LOCK, EDGE_CERTAIN } EdgeKind;

static bool is_lock(const Waiter *w) { return strcmp(w->what, "lock") == 0 || strcmp(w->what, "rlock") == 0; }

static EdgeKind edge_kind(const Waiter *w) {
  if (is_lock(w)) return ((const Lock *)w->object)->recursive ? EDGE_CERTAIN : EDGE_LOCK;
  return strcmp(w->what, "join") == 0 || strcmp(w->what, "future") == 0 || strcmp(w->what, "require") == 0 ? EDGE_CERTAIN : EDGE_NONE;
}

static lua_Integer holder_ident(const Waiter *w) {
  return edge_kind(w) != EDGE_NONE ? *(const lua_Integer *)w->object : 0;
}

/* Something is to be raised in it, which ends its wait. */
static bool is_leaving(const Tstate *ts) { return !ts->shielded && !ts->wait.bound && request_pending(ts); }

static bool can_be_told(const Tstate *ts) {
  if (ts == ts->rt->main && ts->rt->phase >= PHASE_JOINING) return false; /* it waits for the others' end */
  return !ts->shielded && !ts->idle && !ts->wait.bound && ts->wait.queue != &ts->rt->endings;
}

/* The thread that ts, in an untimed wait, waits for; NULL if none is known or it does not wait. */
static Tstate *holder_of(const Tstate *ts) {
  if (!ts->wait.untimed) return NULL;
  lua_Integer ident = holder_ident(&ts->wait);
  return ident != 0 ? tstate_find(ts->rt, ident) : NULL;
}

static __attribute__((unused)) bool wakers_sane(const Runtime *rt) {
  unsigned n = 0;
  for (const Tstate *ts = rt->threads; ts != NULL; ts = ts->next) n += ts->wait.untimed;
  return n == rt->wakers.untimed && n <= rt->nthreads;
}

/* What a walk from a thread back to itself found. */
typedef struct Cycle {
  unsigned length; /* 0: there is none */
  Lock *plain;     /* a plain Lock on the way, or NULL */
  Tstate *told;    /* a member that can be told */
} Cycle;

/* Follows the holders from self. Others may form a cycle without self: the number of threads bounds the walk. */
static Cycle find_cycle(Tstate *self) {
  Cycle c = {0};
  Tstate *t = self;
  for (unsigned n = 1; n <= self->rt->nthreads; n++) {
    if (is_leaving(t)) break;
    if (c.told == NULL && can_be_told(t)) c.told = t;
    if (edge_kind(&t->wait) == EDGE_LOCK) c.plain = (Lock *)t->wait.object;
    t = holder_of(t);
    if (t == NULL || !t->wait.untimed) break;
    if (t != self) continue;
    c.length = n;
    return c;
  }
  return (Cycle){0};
}

/* A native thread is on its way in, or the host said that one may come. */
static bool somebody_may_enter(const Runtime *rt) {
  if (!rt->wakers.closed) return true;
  if (rt->door == NULL) return false;
  pthread_mutex_lock(&rt->door->m);
  bool may = rt->door->keeps > 0 || rt->door->moving > 0;
  pthread_mutex_unlock(&rt->door->m);
  return may;
}

/* All threads, but for so many. */
static bool all_wait(const Runtime *rt, unsigned but) {
  if (rt->wakers.untimed + but != rt->nthreads || rt->wakers.external != 0 || rt->phase >= PHASE_CANCELLING) return false;
  if (somebody_may_enter(rt)) return false;
  for (const Tstate *ts = rt->threads; ts != NULL; ts = ts->next)
    if (is_leaving(ts)) return false;
  return true;
}

static bool everybody_waits(const Runtime *rt) { return all_wait(rt, 0); }

static void note(DeadlockReport *r, const Tstate *ts, const char *what, lua_Integer holder) {
  if (r->n == MOST_TOLD) return;
  Edge *e = &r->edges[r->n++];
  e->thread = ts->ident;
  e->holder = holder;
  e->what = what;
  traceback_where(ts->current, e->at, sizeof e->at);
}

static void note_edge(DeadlockReport *r, const Tstate *ts) {
  unsigned n = r->n;
  note(r, ts, ts->wait.what, holder_ident(&ts->wait));
  if (r->n == n || !is_lock(&ts->wait)) return;
  const Lock *lock = ts->wait.object;
  const Tstate *holder = tstate_find(ts->rt, lock->holder);
  r->edges[n].elsewhere = holder != NULL && lock->taken_in != holder->current;
}

bool deadlock_found_begin(Tstate *self, const char *says, unsigned total) {
  unsigned room = total < MOST_TOLD ? total : MOST_TOLD;
  DeadlockReport *r = calloc(1, sizeof *r + room * sizeof r->edges[0]);
  if (r == NULL) return false;
  r->says = says;
  r->total = total;
  free(self->deadlock);
  self->deadlock = r;
  return true;
}

void deadlock_found_add(Tstate *self, const Tstate *ts, const char *what, lua_Integer holder) {
  if (ts == self || ts->wait.what == NULL) note(self->deadlock, ts, what, holder);
  else note_edge(self->deadlock, ts);
}

/* Keeps what was found in self; false without memory: then self goes on waiting. */
static bool report(Tstate *self, unsigned total, bool everybody) {
  if (!deadlock_found_begin(self, everybody ? says_everybody
                                            : "these threads wait for each other: ", total))
    return false;
  DeadlockReport *r = self->deadlock;
  if (everybody) {
    note_edge(r, self);
    for (Tstate *ts = self->rt->threads; ts != NULL; ts = ts->next)
      if (ts != self) note_edge(r, ts);
  } else {
    const Tstate *ts = self;
    do note_edge(r, ts); while ((ts = holder_of(ts)) != self);
  }
  return true;
}

/* Wakes a thread to look for itself. */
static void make_look(Tstate *self, Tstate *victim) {
  assert(victim->wait.untimed && victim->wait.queue != NULL);
  victim->wait.look = true;
  gil_ready(&self->gil, &victim->gil, false);
}

static DeadlockVerdict tell(Tstate *self, Tstate *told, unsigned total, bool everybody) {
  if (told == self) return report(self, total, everybody) ? WAIT_IN_VAIN : WAIT_ON;
  if (told != NULL) make_look(self, told);
  return WAIT_ON;
}

static Tstate *anybody_to_tell(Tstate *first) {
  if (first->wait.untimed && can_be_told(first)) return first;
  for (Tstate *ts = first->rt->threads; ts != NULL; ts = ts->next)
    if (can_be_told(ts)) return ts;
  return NULL;
}

static void print_name(FILE *out, const Tstate *ts) {
  if (ts == ts->rt->main) fputs("MainThread", out);
  else if (ts->os_name[0] != '\0') utf8_print(out, ts->os_name, INT_MAX);
  else fprintf(out, "thread %lld", (long long)ts->ident);
}

static void print_cycle(FILE *out, Tstate *self) {
  fputs("these threads wait for each other; a plain Lock is among what they wait for, so another thread could still "
        "release it\n", out);
  Tstate *ts = self;
  do {
    print_name(out, ts);
    fprintf(out, " waits for %s %p of ", ts->wait.what, ts->wait.object);
    print_name(out, holder_of(ts));
    fputs("\n", out);
    traceback_print(out, ts->current);
  } while ((ts = holder_of(ts)) != self);
}

static void warn_of(Tstate *self, Lock *plain) {
  char *text = NULL;
  size_t n;
  if (plain->warned) return;
  plain->warned = true;
  FILE *out = open_memstream(&text, &n);
  if (out == NULL) return;
  print_cycle(out, self);
  if (fclose(out) == 0) lua_warning(self->current, text, 0);
  free(text);
}

/* Everybody waits. While main waits in code of the user, a Ctrl-C that is on its way may come first. */
static DeadlockVerdict suspect(Tstate *self, bool again) {
  Runtime *rt = self->rt;
  Tstate *told = anybody_to_tell(self);
  if (told != self || !can_be_told(rt->main)) return tell(self, told, rt->nthreads, true);
  if (again) return self->suspected == rt->wakers.ended ? tell(self, self, rt->nthreads, true) : WAIT_ON;
  self->suspected = rt->wakers.ended;
  return WAIT_SUSPICIOUSLY;
}

/* The state closes: main alone still runs Lua, and who is in os.exit waits for it. A signal that is heard may end a wait. */
static bool nobody_is_left(const Tstate *self) {
  if (self->rt->phase != PHASE_ENDED || self->shielded) return false;
  const Tstate *holder = holder_of(self);
  return self->rt->wakers.external == 0 || (holder != NULL && holder->exiting);
}

bool deadlock_alone(Tstate *self, const char *what) {
  assert(!self->wait.untimed);
  bool last = nobody_is_left(self);
  if (!last && (!can_be_told(self) || !all_wait(self->rt, 1))) return false;
  if (!deadlock_found_begin(self, says_everybody, last ? 1 : self->rt->nthreads)) return false;
  deadlock_found_add(self, self, what, 0);
  for (Tstate *ts = self->rt->threads; ts != NULL && !last; ts = ts->next)
    if (ts != self) note_edge(self->deadlock, ts);
  return true;
}

static DeadlockVerdict tell_last(Tstate *self) {
  if (!deadlock_found_begin(self, says_everybody, 1)) return WAIT_ON;
  note_edge(self->deadlock, self);
  return WAIT_IN_VAIN;
}

DeadlockVerdict deadlock_check(Tstate *self, bool again) {
  Runtime *rt = self->rt;
  assert(wakers_sane(rt));
  if (nobody_is_left(self)) return tell_last(self);
  Cycle c = {0};
  if (edge_kind(&self->wait) != EDGE_NONE && rt->phase < PHASE_CANCELLING) c = find_cycle(self);
  if (c.length > 0 && c.plain == NULL) return tell(self, can_be_told(self) ? self : c.told, c.length, false);
  if (everybody_waits(rt)) return suspect(self, again);
  if (c.plain != NULL && c.length > 1) warn_of(self, c.plain);
  return WAIT_ON;
}

void deadlock_check_others(Tstate *self) {
  Runtime *rt = self->rt;
  if (rt->nthreads == 0 || !everybody_waits(rt)) return;
  Tstate *told = anybody_to_tell(rt->threads);
  if (told != NULL) make_look(self, told);
}

void deadlock_external(Tstate *self, int delta) {
  Wakers *w = &self->rt->wakers;
  assert(delta > 0 || w->external >= (unsigned)-delta);
  w->external += (unsigned)delta;
  if (w->external == 0) deadlock_check_others(self);
}

void deadlock_closed_world(Runtime *rt) { rt->wakers.closed = true; }

void deadlock_open_world(Runtime *rt) { rt->wakers.closed = false; }

/* Pushes the Thread of that ident; if it has ended meanwhile, the ident. In a worker of a pool, whose errors are sent
 * to the program, its name: a Thread could not be. */
static void push_thread(lua_State *L, const Runtime *rt, lua_Integer ident) {
  Tstate *ts = tstate_find(rt, ident);
  if (ts == NULL || rt->push_thread == NULL) {
    lua_pushinteger(L, ident);
    return;
  }
  rt->push_thread(L, ts);
  if (!rt->worker) return;
  lua_getfield(L, -1, "name");
  lua_remove(L, -2);
}

static void add_name(lua_State *L, luaL_Buffer *b, const Runtime *rt, lua_Integer ident) {
  push_thread(L, rt, ident);
  if (lua_isuserdata(L, -1)) lua_getfield(L, -1, "name");
  else if (lua_isinteger(L, -1)) lua_pushfstring(L, "thread %I", (LUAI_UACINT)ident);
  else lua_pushvalue(L, -1);
  text_push_shown(L, -1);
  lua_replace(L, -3);
  lua_pop(L, 1);
  luaL_addvalue(b);
}

static const char *worded(const char *what) {
  static const char *const words[][2] = {
      {"rlock", "an RLock"}, {"lock", "a Lock"}, {"join", "the end"}, {"future", "a future"}, {"queue", "a queue"},
      {"queue join", "the tasks of a queue"}, {"event", "an Event"}, {"condition", "a Condition"},
      {"semaphore", "a Semaphore"}, {"barrier", "a Barrier"}, {"pool", "the end of a pool"},
      {"shutdown", "the end of all threads"}, {"task", "a task"}};
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
    if (strcmp(what, words[i][0]) == 0) return words[i][1];
  return what;
}

static void add_edge(lua_State *L, luaL_Buffer *b, const Runtime *rt, const Edge *e) {
  add_name(L, b, rt, e->thread);
  luaL_addstring(b, " waits for ");
  luaL_addstring(b, worded(e->what));
  if (e->holder != 0) {
    luaL_addstring(b, " of ");
    add_name(L, b, rt, e->holder);
    if (e->elsewhere) luaL_addstring(b, " (taken in another coroutine)");
  }
  if (e->at[0] == '\0') return;
  luaL_addstring(b, " at ");
  luaL_addstring(b, e->at);
}

static void push_message(lua_State *L, const Runtime *rt, const DeadlockReport *r) {
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  luaL_addstring(&b, r->says);
  for (unsigned i = 0; i < r->n && i < MOST_NAMED; i++) {
    if (i > 0) luaL_addstring(&b, "; ");
    add_edge(L, &b, rt, &r->edges[i]);
  }
  if (r->total > MOST_NAMED) luaL_addstring(&b, "; …");
  luaL_pushresult(&b);
}

/* Pushes the list of {thread, waits_for, at, holder}. */
static void push_cycle(lua_State *L, const Runtime *rt, const DeadlockReport *r) {
  lua_createtable(L, (int)r->n, 0);
  for (unsigned i = 0; i < r->n; i++) {
    const Edge *e = &r->edges[i];
    lua_createtable(L, 0, 4);
    push_thread(L, rt, e->thread);
    lua_setfield(L, -2, "thread");
    lua_pushstring(L, e->what);
    lua_setfield(L, -2, "waits_for");
    lua_pushstring(L, e->at);
    lua_setfield(L, -2, "at");
    if (e->holder != 0) {
      push_thread(L, rt, e->holder);
      lua_setfield(L, -2, "holder");
    }
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

int deadlock_raise(lua_State *L, Tstate *ts) {
  const DeadlockReport *r = ts->deadlock;
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  push_message(L, ts->rt, r);
  error_push_value(L, ERROR_DEADLOCK);
  push_cycle(L, ts->rt, r);
  lua_setfield(L, -2, "cycle");
  free(ts->deadlock);
  ts->deadlock = NULL;
  return lua_error(L);
}
