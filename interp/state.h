/* A ready interpreter: a Lua state with its runtime, every module registered. */
#ifndef GILUA_INTERP_STATE_H
#define GILUA_INTERP_STATE_H

#include <stdbool.h>

#include "interp/gilua.h"
#include "interp/limit.h"
#include "runtime/heap/heap.h"
#include "runtime/state/runtime.h"

/* An interpreter, and what is its own beside the Lua state. */
typedef struct State {
  lua_State *L;
  Runtime *rt;
  Heap *heap;        /* of L, unless the host has an allocator, or L is the host's */
  Limit limit;       /* on the host's allocator */
  bool warnings;     /* warn() writes */
  bool amid_warning; /* a message has begun and goes on */
} State;

/* state_open makes an interpreter with its libraries, its lock held by the calling thread, its main thread. The State
 * must stay where it is. Returns 0 or a GILUA_E… . state_close frees it when all other threads have ended. */
int state_open(State *state, const gilua_Config *config);
void state_close(State *state);

/* state_error is what an error that a protected call left on top of L is to the caller: GILUA_ELUA, its text kept for
 * gilua_error, or GILUA_ENOMEM. */
int state_error(lua_State *L, int status);

/* state_attach gives L, which runs on the calling thread, a runtime; the calling thread owns its lock then.
 * state_detach takes it away when all other threads have ended: L goes on, with the standard functions back. */
int state_attach(State *state, lua_State *L, const gilua_Config *config);
void state_detach(State *state);

/* state_openlibs opens the standard libraries, puts ours in the place of what must know of threads, and registers the
 * modules gilua.* . Raises memory errors. */
void state_openlibs(lua_State *L);

/* state_register_modules puts gilua and gilua.* into package.preload. */
void state_register_modules(lua_State *L);

/* state_open_root pushes the module "gilua", lib_schedule_open "gilua.schedule". */
int state_open_root(lua_State *L);
int lib_schedule_open(lua_State *L);

#endif
