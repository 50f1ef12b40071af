/* Preemption: how a thread that runs Lua is brought to a safe point, beside the hooks that others set. */
#ifndef GILUA_RUNTIME_STATE_HOOK_H
#define GILUA_RUNTIME_STATE_HOOK_H

#include "runtime/state/tstate.h"

/* hook_arm makes the current coroutine of self, the calling thread and owner of the lock, look at its requests at its
 * next VM instruction. It is Gil.arm. */
void hook_arm(GilThread *self);

/* hook_arm_in_handler does the same from a signal handler of the thread. */
void hook_arm_in_handler(Tstate *ts);

/* hook_arm_after_switch arms, or sets polling, on the coroutine that was switched to. */
void hook_arm_after_switch(Tstate *ts, lua_State *to);

/* hook_watch sees to it that L, which runs on ts but was resumed by C code, looks at the requests of its thread every now
 * and then: nobody can arm it. */
void hook_watch(Tstate *ts, lua_State *L);

/* hook_reset gives L the hook that belongs there: none, its user's, or the polling one, whose count begins; hook_refresh does,
 * too, but one that somebody else's C code has set stays, and the count of one that is there goes on. */
void hook_reset(Runtime *rt, lua_State *L);
void hook_refresh(Runtime *rt, lua_State *L);

/* hook_inherit gives `to`, a coroutine that `from` has just made, the foreign hook of `from`, as Lua does, or refreshes it. */
void hook_inherit(Runtime *rt, lua_State *from, lua_State *to);

/* hook_is_foreign tells whether somebody else's C code set the hook of L; hook_foreign returns such a one, with its mask and
 * count. */
bool hook_is_foreign(const Runtime *rt, lua_State *L);
lua_Hook hook_foreign(const Runtime *rt, lua_State *L, int *mask, int *count);

/* hook_end gives back the hook of C code that ours stands in for, before a state goes on without its runtime. ts is self. */
void hook_end(Tstate *ts);

/* hook_stirred requests REQUEST_HOOK if the host's signal handler has set a hook on the main state while self, the main
 * thread, waits or does native work: else the hook would be called at the next VM instruction only. Such a one asks to be called
 * at that (its count is 1), as lua.c's does on Ctrl-C; hooks of debuggers, profilers and coverage do not, and stay. Threads: self,
 * or another while self stays out of Lua. hook_take_stirring takes that hook off and returns it, NULL if there is none; hook_call
 * calls one on L. */
void hook_stirred(GilThread *self);
lua_Hook hook_take_stirring(Tstate *ts);
void hook_call(lua_State *L, lua_Hook hook);

#endif
