/* Which coroutine runs on a thread: the bracket around each resume, and what is done about coroutines that C code resumes. */
#ifndef GILUA_RUNTIME_STATE_RUNNING_H
#define GILUA_RUNTIME_STATE_RUNNING_H

#include "runtime/state/hook.h"

/* From here on the handler of this thread arms what was noted; what it armed before is seen next. */
static inline void running_note(Tstate *ts, lua_State *L) {
  ts->current = L;
  atomic_signal_fence(memory_order_seq_cst);
  if (atomic_load_explicit(&ts->gil.requests, memory_order_relaxed) != 0 || ts->rt->poll != 0 ||
      ts->rt->foreign.L != NULL)
    hook_arm_after_switch(ts, L);
}

/* running_enter notes that co is about to run on ts, the calling thread; *before must stay until running_leave, which takes
 * that back. Nothing may jump out of the two. */
static inline void running_enter(Tstate *ts, Running *before, lua_State *co) {
  *before = (Running){.L = ts->current, .astray = ts->nested_astray, .outer = ts->outer_running};
  ts->outer_running = before;
  ts->nested_astray = ts->astray;
  running_note(ts, co);
}

static inline void running_leave(Tstate *ts, const Running *before) {
  ts->astray = ts->nested_astray;
  ts->nested_astray = before->astray;
  ts->outer_running = before->outer;
  running_note(ts, before->L);
}

/* running_self is the calling thread's state in the runtime of L, if that is the innermost that it is inside of; else NULL. What
 * runs there is of that runtime, so others are looked at only. */
static inline Tstate *running_self(lua_State *L) {
  Tstate *ts = tstate_self();
  if (__builtin_expect(ts == NULL || L == ts->current, 1)) return ts;
  return ts->rt->universe == lua_topointer(L, LUA_REGISTRYINDEX) ? ts : NULL;
}

/* running_restart: L is the bottom of ts, and nothing else runs there. */
void running_restart(Tstate *ts, lua_State *L);

/* running_look is called where a function of ours is called with L: if C code resumed L by itself, a count hook takes care
 * that it can be preempted from now on; if L is in use by another thread, ts->astray says so. */
void running_look_closely(Tstate *ts, lua_State *L);
static inline void running_look(Tstate *ts, lua_State *L) {
  if (__builtin_expect(L != ts->current || ts->astray, 0)) running_look_closely(ts, L);
}

/* running_find sets ts->astray for L, on which ts is now, and does nothing else. */
void running_find(Tstate *ts, lua_State *L);

#endif
