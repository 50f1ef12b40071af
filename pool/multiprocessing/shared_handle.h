/* Handles of shared objects as Lua values: how they are made, sent, attached and collected, whatever their kind. */
#ifndef GILUA_POOL_MULTIPROCESSING_SHARED_HANDLE_H
#define GILUA_POOL_MULTIPROCESSING_SHARED_HANDLE_H

#include "runtime/shared/handle.h"
#include "runtime/state/object.h"
#include "runtime/sync/park.h"

enum { SHARED_VALUES = 2 }; /* user values that a handle may have; they travel with it */

typedef struct SharedHandle {
  ObjectHead head;
  Shared s;
} SharedHandle;

extern const ObjectType shared_lock_type, shared_rlock_type, shared_condition_type, shared_event_type, shared_semaphore_type,
    shared_bounded_semaphore_type, shared_barrier_type, shared_value_type, shared_queue_type, shared_joinable_queue_type,
    shared_simple_queue_type, shared_connection_type;

/* shared_push_new pushes a handle of a new object of that size; raises if there is none to be had. shared_push_pair pushes two
 * of peers. */
SharedHandle *shared_push_new(lua_State *L, SharedKind kind, size_t size);
void shared_push_pair(lua_State *L, SharedKind kind, size_t size);

/* shared_ready raises `invalid_state` unless the handle can be used in this process. */
int shared_refuse(lua_State *L, const SharedHandle *h);
static inline SharedHandle *shared_ready(lua_State *L, SharedHandle *h) {
  if (__builtin_expect(!shared_usable(&h->s), 0)) shared_refuse(L, h);
  return h;
}

/* shared_check is the handle of that type at index i, ready. */
static inline SharedHandle *shared_check(lua_State *L, int i, const ObjectType *type) {
  return shared_ready(L, object_check(L, i, type));
}

/* shared_register lets handles be sent: once a state, when it is opened. */
void shared_register(lua_State *L);

/* The metamethods of every handle. */
int shared_collect(lua_State *L);
int shared_reduce(lua_State *L);

/* shared_close gives the handle up; whoever waits at the other end of a Pipe looks. What other threads of this process do with
 * a queue meanwhile ends first: between shared_use and shared_unuse, which nothing raises, the object stays. May leave the lock. */
void shared_close(SharedHandle *h);
static inline void shared_use(SharedHandle *h) { h->s.users++; }
void shared_unuse(SharedHandle *h);

/* shared_describe: ObjectType.describe of all but Value. */
void shared_describe(lua_State *L, void *object);

/* shared_closed tells whether it was. */
static inline bool shared_closed(const SharedHandle *h) {
  return h->s.arena == NULL || atomic_load_explicit(&h->s.closing, memory_order_relaxed);
}

/* The constructors, in one file each; they go into the table on top. */
void lib_shared_lock_add(lua_State *L);
void lib_shared_event_add(lua_State *L);
void lib_shared_condition_add(lua_State *L);
void lib_shared_value_add(lua_State *L);
void lib_shared_queue_add(lua_State *L);
void lib_pipe_add(lua_State *L);

/* The lock of a Lock, RLock or Condition at index i, ready. */
SharedHandle *shared_check_lock(lua_State *L, int i);

/* Methods of everything that has a lock. */
int shared_lock_acquire(lua_State *L);
int shared_lock_hold(lua_State *L);
int shared_lock_locked(lua_State *L);
int shared_lock_release(lua_State *L);
int shared_lock_with(lua_State *L);

#endif
