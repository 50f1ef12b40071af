/* The queue that worker threads share. */
#include "pool/futures/thread_pool.h"

#include "runtime/state/error.h"
#include "runtime/state/order.h"

static const luaL_Reg no_methods[] = {{NULL, NULL}};
static const ObjectType pool_type = {.name = "gilua.ThreadPool", .size = sizeof(ThreadPool), .methods = no_methods};

ThreadPool *thread_pool_new(lua_State *L, int most) {
  ThreadPool *p = object_new(L, &pool_type, POOL_VALUES);
  p->workers.most = most;
  p->pid = park_self(L)->rt->gil.pid;
  ring_init(L, &p->ring);
  lua_setiuservalue(L, -2, POOL_RING);
  lua_newtable(L);
  lua_setiuservalue(L, -2, POOL_WORKERS);
  return p;
}

void thread_pool_put(lua_State *L, ThreadPool *p, int i) {
  luaL_checkstack(L, 4, NULL);
  order_release(tstate_self(), p);
  while (!ring_fits(&p->ring, p->count)) ring_fit(L, &p->ring, i, POOL_RING, &p->count, NULL);
  lua_getiuservalue(L, i, POOL_RING);
  lua_insert(L, -2);
  lua_rawseti(L, -2, ring_slot(&p->ring, p->count++));
  lua_pop(L, 1);
  p->submitted++;
  if (p->count > p->most) p->most = p->count;
}

Future *thread_pool_take(lua_State *L, ThreadPool *p, int i) {
  order_acquire(tstate_self(), p);
  lua_getiuservalue(L, i, POOL_RING);
  ring_take(L, ring_slot(&p->ring, 0));
  lua_remove(L, -2);
  p->ring.head = (p->ring.head + 1) & (p->ring.capacity - 1);
  p->count--;
  return lua_touserdata(L, -1);
}

void thread_pool_shut(Tstate *self, ThreadPool *p) {
  p->shut = true;
  p->coming = 0;
  park_grant_all(self, &p->idlers);
}

void thread_pool_clear(lua_State *L, ThreadPool *p, int i) {
  i = lua_absindex(L, i);
  luaL_checkstack(L, 6, NULL);
  while (p->count > 0) {
    const Future *f = thread_pool_take(L, p, i);
    p->finished++;
    if (f->state == FUTURE_PENDING && p->broken) {
      lua_getiuservalue(L, i, POOL_WHY);
      executor_push_broken(L, -1);
      lua_remove(L, -2);
      error_push_traceback(L, -1);
      if (f->state == FUTURE_PENDING) future_set_error(L, -3); /* nor cancelled by a finalizer meanwhile */
    } else if (f->state == FUTURE_PENDING) {
      future_set_cancelled(L, -1);
    }
    lua_pop(L, 1);
  }
}

void thread_pool_break(lua_State *L, Tstate *self, ThreadPool *p, int i) {
  if (p->executor != NULL && executor_push(L, p->executor)) {
    lua_pushvalue(L, -2);
    executor_break(L, -2);
    lua_pop(L, 1);
  }
  lua_setiuservalue(L, i, POOL_WHY);
  p->broken = true;
  thread_pool_shut(self, p);
  thread_pool_clear(L, p, i);
}
