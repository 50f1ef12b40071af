/* tostring of what processes share: its state at this moment. */
#include "pool/multiprocessing/shared_handle.h"
#include "runtime/shared/condition.h"
#include "runtime/shared/lock.h"
#include "runtime/shared/semaphore.h"
#include "runtime/shared/squeue.h"

static void describe_lock(lua_State *L, const Shared *s) {
  lua_pushstring(L, slock_held((const SharedLock *)s->object) ? "locked" : "unlocked");
}

/* Its lock is what user value 1 holds. */
static void describe_condition(lua_State *L) {
  lua_getiuservalue(L, 1, 1);
  SharedHandle *lock = lua_touserdata(L, -1);
  if (lock != NULL && shared_usable(&lock->s)) describe_lock(L, &lock->s);
  else lua_pushliteral(L, "closed");
}

static void describe_event(lua_State *L, const Shared *s) {
  bool set = atomic_load_explicit(&((const SharedEvent *)s->object)->set, memory_order_relaxed) != 0;
  lua_pushstring(L, set ? "set" : "unset");
}

static void describe_semaphore(lua_State *L, const Shared *s) {
  int64_t value = ssemaphore_value((const SharedSemaphore *)s->object);
  lua_pushfstring(L, "%I free", (LUAI_UACINT)(value > 0 ? value : 0));
}

static void describe_barrier(lua_State *L, const Shared *s) {
  const SharedBarrier *b = (const SharedBarrier *)s->object;
  bool broken = atomic_load_explicit(&b->broken, memory_order_relaxed) != 0;
  lua_pushfstring(L, "%d of %d waiting%s", (int)sbarrier_waiting(b), (int)b->parties, broken ? ", broken" : "");
}

static void describe_queue(lua_State *L, const Shared *s) {
  const SharedQueue *q = (const SharedQueue *)s->object;
  LUAI_UACINT count = (LUAI_UACINT)squeue_count(q), most = (LUAI_UACINT)q->most;
  if (most > 0) lua_pushfstring(L, "%I of %I items", count, most);
  else lua_pushfstring(L, "%I items", count);
}

void shared_describe(lua_State *L, void *object) {
  SharedHandle *h = object;
  const ObjectType *type = h->head.type;
  if (shared_closed(h)) lua_pushliteral(L, "closed");
  else if (!shared_usable(&h->s)) lua_pushliteral(L, "not usable in this process");
  else if (type == &shared_lock_type || type == &shared_rlock_type) describe_lock(L, &h->s);
  else if (type == &shared_condition_type) describe_condition(L);
  else if (type == &shared_event_type) describe_event(L, &h->s);
  else if (type == &shared_semaphore_type || type == &shared_bounded_semaphore_type) describe_semaphore(L, &h->s);
  else if (type == &shared_barrier_type) describe_barrier(L, &h->s);
  else if (type == &shared_connection_type) lua_pushliteral(L, "open");
  else describe_queue(L, &h->s);
}
