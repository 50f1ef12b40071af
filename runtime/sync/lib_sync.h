/* The Lua bindings of this folder. Each adder puts its constructors into the table on top of the stack. */
#ifndef GILUA_RUNTIME_SYNC_LIB_SYNC_H
#define GILUA_RUNTIME_SYNC_LIB_SYNC_H

#include "runtime/sync/lock.h"
#include "runtime/state/object.h"

/* A Lock or an RLock as Lua sees it. */
typedef struct LockObject {
  ObjectHead head;
  Lock lock;
} LockObject;

/* A Condition as Lua sees it; its user value is the lock's object. */
typedef struct ConditionObject {
  ObjectHead head;
  Lock *lock;    /* [i] inside the user value */
  Waitq waiters; /* [G] */
} ConditionObject;

extern const ObjectType lock_type, rlock_type, condition_type;

/* sync_check_lock returns the lock at index i: a Lock, an RLock, or that of a Condition. Else an argument error. */
Lock *sync_check_lock(lua_State *L, int i);

/* The methods of everything that is or has a lock. */
int lock_acquire_method(lua_State *L);
int lock_release_method(lua_State *L);
int lock_locked_method(lua_State *L);
int lock_hold_method(lua_State *L);
int lock_with_method(lua_State *L);
int lock_close_method(lua_State *L);

/* lock_push_state pushes what tostring says of a lock. */
void lock_push_state(lua_State *L, const Lock *lock);

/* sync_new_rlock pushes a new RLock. */
Lock *sync_new_rlock(lua_State *L);

/* sync_acquire_args reads the arguments of every acquire([blocking [, timeout]]), at 2 and 3: *deadline is when to give
 * up; returns false if the call must not wait at all. */
bool sync_acquire_args(lua_State *L, int64_t *deadline);

/* sync_with calls the function at index 2 with the arguments behind it, inside the object at index 1, which is held and
 * whose __close releases it, on error too. Returns the function's results. */
int sync_with(lua_State *L);

void lib_lock_add(lua_State *L);
void lib_condition_add(lua_State *L);
void lib_event_add(lua_State *L);
void lib_semaphore_add(lua_State *L);
void lib_barrier_add(lua_State *L);

int lib_queue_open(lua_State *L);
int lib_signal_open(lua_State *L);
int lib_time_open(lua_State *L);
int lib_gil_open(lua_State *L);

/* The registry has here what pushes the field `pools` of gil.stats(), if there are pools. */
#define LIB_GIL_POOLS "gilua.stats.pools"

#endif
