/* A ready interpreter: a Lua state with its runtime, every module registered. */
#ifndef GILUA_INTERP_STATE_H
#define GILUA_INTERP_STATE_H

#include <stdbool.h>

#include "runtime/heap/heap.h"
#include "runtime/thread/runtime.h"

/* An interpreter that this program made, with its heap. */
typedef struct State {
  lua_State *L;
  Runtime *rt;
  Heap *heap;
  bool warnings;     /* warn() writes */
  bool amid_warning; /* a message has begun and goes on */
} State;

/* state_open makes an interpreter without standard libraries, its lock held by the calling thread, its main thread. The
 * State must stay where it is. Returns false when memory or another resource is missing. state_close frees it when all
 * other threads have ended. */
bool state_open(State *state);
void state_close(State *state);

/* state_openlibs opens the standard libraries, puts ours in the place of what must know of threads, and registers the
 * modules gilua.* . Raises memory errors. */
void state_openlibs(lua_State *L);

/* state_register_modules puts gilua and gilua.* into package.preload. */
void state_register_modules(lua_State *L);

#endif
