/* Making, listing and forgetting thread states. */
#include "runtime/state/tstate.h"

#include <assert.h>
#include <lauxlib.h>
#include <stdlib.h>

#include "runtime/state/traceback.h"

static Tstate **bucket_of(const Tstate *ts) {
  return &ts->rt->by_ident[(lua_Unsigned)ts->ident % IDENT_BUCKETS];
}

Tstate *tstate_alloc(Runtime *rt, lua_State *base, Tstate *parent) {
  Tstate *ts = calloc(1, sizeof *ts);
  if (ts == NULL) return NULL;
  gil_thread_init(&ts->gil, &rt->gil, parent != NULL ? &parent->gil : NULL);
  ts->rt = rt;
  ts->order = rt->order;
  ts->base = base;
  ts->wait.ts = ts;
  ts->current = base;
  ts->thread_ref = ts->locals_ref = ts->cancel_ref = ts->hook_error_ref = ts->base_ref = ts->error_ref = LUA_NOREF;
  return ts;
}

void tstate_list(Tstate *ts) {
  Runtime *rt = ts->rt;
  ts->ident = ++rt->last_ident;
  ts->gil.scheduled.number = (uint64_t)ts->ident;
  pthread_mutex_lock(&rt->unblock_m);
  ts->next = rt->threads;
  if (ts->next != NULL) ts->next->prev = ts;
  rt->threads = ts;
  pthread_mutex_unlock(&rt->unblock_m);
  rt->nthreads++;
  Tstate **bucket = bucket_of(ts);
  ts->bucket_next = *bucket;
  *bucket = ts;
}

Tstate *tstate_new(Runtime *rt, lua_State *base, Tstate *parent) {
  Tstate *ts = tstate_alloc(rt, base, parent);
  if (ts != NULL) tstate_list(ts);
  return ts;
}

void tstate_unlist(Tstate *ts) {
  Runtime *rt = ts->rt;
  assert(ts->wait.queue == NULL);
  if (rt->foreign.L == ts->base) rt->foreign.L = NULL; /* nothing of Lua runs there any more, and it may be collected */
  int *const refs[] = {&ts->thread_ref, &ts->locals_ref, &ts->cancel_ref, &ts->hook_error_ref, &ts->base_ref, &ts->error_ref};
  for (size_t i = 0; i < sizeof refs / sizeof refs[0]; i++) {
    luaL_unref(rt->spare, LUA_REGISTRYINDEX, *refs[i]);
    *refs[i] = LUA_NOREF;
  }
  pthread_mutex_lock(&rt->unblock_m);
  if (ts->next != NULL) ts->next->prev = ts->prev;
  if (ts->prev != NULL) ts->prev->next = ts->next;
  else rt->threads = ts->next;
  pthread_mutex_unlock(&rt->unblock_m);
  rt->nthreads--;
  Tstate **p = bucket_of(ts);
  while (*p != ts) p = &(*p)->bucket_next;
  *p = ts->bucket_next;
  free(ts->deadlock);
  ts->deadlock = NULL;
}

void tstate_free(Tstate *ts) {
  if (ts == NULL) return;
  gil_thread_fini(&ts->gil);
  free(ts);
}

void tstate_note_longest(GilThread *self) {
  Tstate *ts = tstate_of(self);
  traceback_where(ts->current, ts->longest_at, sizeof ts->longest_at);
}
