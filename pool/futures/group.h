/* A group: several futures that are waited for together, in the order in which they are decided. */
#ifndef GILUA_POOL_FUTURES_GROUP_H
#define GILUA_POOL_FUTURES_GROUP_H

#include "pool/futures/future.h"

typedef struct FutureGroup FutureGroup;

/* One future's place in a group. */
typedef struct GroupPlace GroupPlace;
struct GroupPlace {
  FutureWatch watch;   /* first; linked in the future's list while it is undecided */
  FutureGroup *group;  /* [i] */
  GroupPlace *next;    /* [G] FutureGroup.decided or .vacant */
};

/* The registry keeps it until its object is finalized: futures lead to it, and Lua may drop a finalizer. */
struct FutureGroup {
  int size;                       /* [i] places */
  int undecided;                  /* [G] */
  GroupPlace *decided, *newest;   /* [G] decided and not taken yet, oldest first */
  GroupPlace *vacant;             /* [G] */
  Waitq waiters;                  /* [G] */
  GroupPlace places[];
};

/* User values of a group's object: the futures by place, false where there is none; the group. */
enum { GROUP_FUTURES = 1, GROUP_ITSELF, GROUP_VALUES = GROUP_ITSELF };

/* group_new pushes the object of a group with that many places. */
FutureGroup *group_new(lua_State *L, int size);

/* group_add puts the future at index f into the group at index g, which has a vacant place. Raises what service_watch does; then
 * the group is as it was. */
void group_add(lua_State *L, int g, int f);

/* group_of_list pushes a group of the futures in the list at index i; each counts once. Raises if one is no future. */
FutureGroup *group_of_list(lua_State *L, int i);

/* group_take waits until one more future is decided, pushes it and frees its place. PARK_GRANTED with *taken false, and
 * nothing pushed: none was left. The group is at index i. Raises deadlock. */
ParkResult group_take(lua_State *L, Tstate *ts, int i, int64_t deadline, bool *taken);

#endif
