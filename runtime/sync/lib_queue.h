/* What the queue types share: the object, and every method that does not store or take items. */
#ifndef GILUA_RUNTIME_SYNC_LIB_QUEUE_H
#define GILUA_RUNTIME_SYNC_LIB_QUEUE_H

#include "runtime/sync/lib_sync.h"
#include "runtime/sync/queue.h"
#include "runtime/sync/ring.h"

/* User values: 1 the table of the items; PriorityQueue: 2 the comparison, 3 the list of late items. */
typedef struct QueueObject {
  ObjectHead head;
  Queue queue;
  Ring ring;  /* count + reserved <= capacity; PriorityQueue: head stays 0, the slots are a heap */
  bool lifo;  /* [i] takes the newest item */
  int late;   /* [G] PriorityQueue: items that finalizers have put amid a comparison */
  Lock guard; /* PriorityQueue: held while its heap is changed, because comparing may run Lua code */
} QueueObject;

extern const ObjectType queue_type, priority_queue_type;

/* lib_queue_check returns the queue at index 1, of any type. */
QueueObject *lib_queue_check(lua_State *L);

/* lib_queue_fit, called before a place is asked for, sees to it that the ring of the queue at index 1 has a slot for it. So
 * whoever has a place stores without allocating. */
static inline void lib_queue_fit(lua_State *L, QueueObject *o) {
  const Queue *q = &o->queue;
  while (__builtin_expect(!ring_fits(&o->ring, q->count + q->reserved), 0) && !q->shut && queue_has_place(q))
    ring_fit(L, &o->ring, 1, 1, &q->count, &q->reserved);
}

/* lib_queue_new pushes a queue of that type; its maxsize is at index 1. */
QueueObject *lib_queue_new(lua_State *L, const ObjectType *type);

/* lib_queue_refuse returns nil and the reason, or raises what parked stands for. */
int lib_queue_refuse(lua_State *L, Tstate *ts, QueueResult result, ParkResult parked);

/* lib_queue_args reads ([block = true [, timeout]]) at index i and i + 1; false: do not wait. */
bool lib_queue_args(lua_State *L, int i, int64_t *deadline);

/* lib_queue_describe: ObjectType.describe of the queues. */
void lib_queue_describe(lua_State *L, void *object);

int lib_queue_empty(lua_State *L);
int lib_queue_full(lua_State *L);
int lib_queue_items(lua_State *L);
int lib_queue_join(lua_State *L);
int lib_queue_qsize(lua_State *L);
int lib_queue_shutdown(lua_State *L);
int lib_queue_task_done(lua_State *L);

/* lib_priority_queue_add puts PriorityQueue into the module on top of the stack. */
void lib_priority_queue_add(lua_State *L);

#endif
