/* A runtime's door: how it opens, and how it closes under the threads that come and go.
 *
 * States of a door     OPEN      threads come and go
 *                      CLOSING   nobody comes in; threads that are inside go on, nest, and leave
 *                      CLOSED    no runtime behind it
 * Transitions                    who                                     where
 *   CLOSED  -> OPEN              main, nobody else knows the door        visit_open
 *   OPEN    -> CLOSING           main, with m                            visit_close, visit_shut
 *   CLOSING -> CLOSED            main, when no other thread is listed    visit_end
 *
 * What becomes of the visits meanwhile is at the top of visit.c.
 */
#include <errno.h>
#include <stdlib.h>

#include "runtime/state/doors.h"
#include "runtime/state/handlers.h"
#include "runtime/state/process.h"
#include "runtime/thread/visit.h"
#include "runtime/thread/visit_lists.h"

static void set_state(Door *door, DoorState state) {
  /* release: what was set up before the door opened */
  atomic_store_explicit(&door->state, state, memory_order_release);
}

int visit_open(Door *door, Runtime *rt) {
  Visit *v = visit_new(door, rt->main);
  if (v == NULL || process_watch_thread() != 0) {
    free(v);
    return VISIT_ENOMEM;
  }
  v->depth = 1;
  v->top = lua_gettop(rt->main->current);
  rt->main->visit = v;
  rt->door = door;
  visit_link(v);
  pthread_mutex_lock(&door->m);
  door->rt = rt;
  door->keeps = door->moving = 0;
  door->visits = NULL;
  visit_list(door, v);
  set_state(door, DOOR_OPEN);
  pthread_mutex_unlock(&door->m);
  return VISIT_OK;
}

int visit_close(Door *door, int64_t deadline) {
  int err = VISIT_OK;
  struct timespec until = {.tv_sec = (time_t)(deadline / 1000000000), .tv_nsec = (long)(deadline % 1000000000)};
  pthread_mutex_lock(&door->m);
  if (atomic_load_explicit(&door->state, memory_order_relaxed) != DOOR_OPEN) err = VISIT_ECLOSING;
  while (err == VISIT_OK && door->keeps > 0) {
    if (deadline == CLOCK_NEVER) pthread_cond_wait(&door->c, &door->m);
    else if (pthread_cond_timedwait(&door->c, &door->m, &until) == ETIMEDOUT) err = VISIT_ETIME;
  }
  if (err != VISIT_ECLOSING) set_state(door, DOOR_CLOSING);
  pthread_mutex_unlock(&door->m);
  return err;
}

void visit_shut(Runtime *rt) {
  Door *door = rt->door;
  if (door == NULL) return;
  pthread_mutex_lock(&door->m);
  set_state(door, DOOR_CLOSING);
  pthread_mutex_unlock(&door->m);
}

/* IDLE -> GONE; its thread may free v at once. */
static bool take_away(Door *door, Visit *v) {
  int idle = VISIT_IDLE;
  pthread_mutex_lock(&door->m);
  visit_unlist(door, v);
  /* acquire pairs with the release of go_out: its thread is through with the state */
  bool taken = atomic_compare_exchange_strong_explicit(&v->state, &idle, VISIT_GONE, memory_order_acq_rel,
                                                       memory_order_relaxed);
  if (!taken) visit_list(door, v);
  pthread_mutex_unlock(&door->m);
  return taken;
}

unsigned visit_sweep(Runtime *rt) {
  Door *door = rt->door;
  if (door == NULL) return 0;
  pthread_mutex_lock(&door->m);
  unsigned moving = door->moving;
  pthread_mutex_unlock(&door->m);
  for (Tstate *ts = rt->threads, *next; ts != NULL; ts = next) {
    next = ts->next;
    Visit *v = ts->visit;
    if (v == NULL || ts == rt->main || v->depth > 0) continue;
    if (!take_away(door, v)) {
      moving++;
      continue;
    }
    visit_end_object(rt->main, ts);
    tstate_unlist(ts);
    gil_pass(&rt->gil);
    tstate_free(ts);
  }
  return moving;
}

void visit_end(Door *door) {
  Visit *v = visit_find(door);
  pthread_mutex_lock(&door->m);
  door->rt = NULL;
  door->visits = NULL;
  set_state(door, DOOR_CLOSED);
  pthread_mutex_unlock(&door->m);
  if (v != NULL) visit_discard(v);
  doors_end(door);
}

int visit_interrupt(Door *door, const lua_State *L) {
  int err = VISIT_EOUTSIDE;
  pthread_mutex_lock(&door->m);
  for (Visit *v = door->visits; v != NULL && err != VISIT_OK; v = v->beside) {
    if (v->ts->base != L) continue;
    handlers_interrupt_thread(v->ts); /* unlisted under m before its state goes */
    err = VISIT_OK;
  }
  pthread_mutex_unlock(&door->m);
  return err;
}

int visit_keep(Door *door) {
  pthread_mutex_lock(&door->m);
  bool open = atomic_load_explicit(&door->state, memory_order_relaxed) == DOOR_OPEN;
  if (open) door->keeps++;
  pthread_mutex_unlock(&door->m);
  return open ? VISIT_OK : VISIT_ECLOSING;
}

void visit_drop(Door *door) {
  pthread_mutex_lock(&door->m);
  /* 0: it was kept before a fork, by the thread that forked, or never */
  if (door->keeps > 0 && --door->keeps == 0) pthread_cond_broadcast(&door->c);
  pthread_mutex_unlock(&door->m);
}
