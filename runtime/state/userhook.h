/* Hooks of the user: what debug.sethook set on a coroutine. The record lives in the registry, by coroutine, so that a
 * preemption anywhere can put the hook back.
 */
#ifndef GILUA_RUNTIME_STATE_USERHOOK_H
#define GILUA_RUNTIME_STATE_USERHOOK_H

#include "runtime/state/tstate.h"

/* The record of one coroutine. */
typedef struct UserHook {
  int mask;  /* [G] LUA_MASK… of the events that the user wants */
  int count; /* [G] the user's count */
  int left;  /* [G] instructions until the next count event */
  int step;  /* [G] of these, until Lua's hook is called; what one such call takes off */
  bool inert; /* [G] inherited: Lua gives a new coroutine the hook of its creator, but no function to call */
} UserHook;

/* With a user's count hook Lua's hook is called at least this often, and counts. */
enum { USERHOOK_QUANTUM = 1000 };

/* userhook_step says how many instructions, of at most `most`, Lua is to count until it calls the hook. */
int userhook_step(UserHook *user, int most);

/* userhook_counted takes an event of the kind LUA_HOOKCOUNT off the account; true if the user's count has run down. One
 * that a preemption brought forward counts whole: the user's event may come early, never late. */
bool userhook_counted(UserHook *user);

/* userhook_bit is the mask bit that asks for an event. */
static inline int userhook_bit(const lua_Debug *ar) {
  return ar->event == LUA_HOOKTAILCALL ? LUA_MASKCALL : 1 << ar->event;
}

/* userhook_letters pushes a mask as debug.sethook takes it. */
void userhook_letters(lua_State *L, int mask);

/* userhook_find returns co's record, or NULL. No effect on L's stack; L may be any coroutine that runs now. */
UserHook *userhook_find(lua_State *L, lua_State *co);

/* userhook_set makes the function at index f of L co's hook; mask 0 removes it. Raises memory errors. */
void userhook_set(lua_State *L, lua_State *co, int f, int mask, int count);

/* userhook_adopt makes records of the hooks that the standard debug.sethook has set on coroutines of L, so that preemption knows
 * them; `stock` is the C function that the standard library gives lua_sethook. What that library does from then on is seen in the
 * same table: one that it takes off has no record any more. Raises memory errors. */
void userhook_adopt(lua_State *L, lua_Hook stock);

/* userhook_yield gives the hooks of the records to `sethook`, the standard function at index f, before the state goes on without
 * its runtime. Raises memory errors. */
void userhook_yield(lua_State *L, int f);

/* userhook_push pushes the hook function that debug.sethook, ours or the standard one, set on co, or nil. */
void userhook_push(lua_State *L, lua_State *co);

/* userhook_inherit gives `to`, just made by `from`, what the standard library gives it: the mask and count of the hook of
 * `from`, but not its function. */
void userhook_inherit(lua_State *L, lua_State *from, lua_State *to);

/* userhook_call calls the function of L's hook with the event. Called from the hook of L. */
void userhook_call(lua_State *L, lua_Debug *ar);

#endif
