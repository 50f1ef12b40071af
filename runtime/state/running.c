/* Coroutines that C code resumes, and states that two threads use at once.
 *
 * A C module may resume a coroutine by lua_resume (event loops do), or call back on the lua_State that loaded it (lua-luv
 * does). Both are seen as soon as such a state reaches a function of ours: it is not the one that was noted. Nothing keeps
 * its address. If another thread has it on its C stack, leaving the lock would let two threads use one Lua stack: nothing
 * waits there (waits_forbidden).
 */
#include "runtime/state/running.h"

/* Needs the lock: the others stand still, and so do what they noted. */
static bool is_used_by(const Tstate *other, const lua_State *L) {
  if (other->base == L || other->current == L) return true;
  for (const Running *r = other->outer_running; r != NULL; r = r->outer)
    if (r->L == L) return true;
  return false;
}

static bool is_used_elsewhere(const Tstate *ts, const lua_State *L) {
  for (const Tstate *other = ts->rt->threads; other != NULL; other = other->next)
    if (other != ts && is_used_by(other, L)) return true;
  return false;
}

void running_find(Tstate *ts, lua_State *L) {
  ts->astray = ts->nested_astray || (L != ts->current && is_used_elsewhere(ts, L));
}

void running_look_closely(Tstate *ts, lua_State *L) {
  if (!gil_held(&ts->gil)) return; /* L is used without the lock, which others catch */
  running_find(ts, L);
  if (L != ts->current && !ts->astray) hook_watch(ts, L);
}

void running_restart(Tstate *ts, lua_State *L) {
  ts->current = L;
  ts->outer_running = NULL;
  ts->nested_astray = ts->astray = false;
}
