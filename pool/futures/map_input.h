/* A map and its input: reading the sources, submitting what was read, keeping what is under way.
 *
 * Reading may run Lua code; it happens when the map is made and when a result is taken, never elsewhere. A source that
 * raises ends the input: what was read before is delivered first. A task that cannot be submitted fails at its own
 * position. A request of the reading thread is raised at once; what was read and submitted meanwhile stays, so that who
 * catches it may go on.
 */
#ifndef GILUA_POOL_FUTURES_MAP_INPUT_H
#define GILUA_POOL_FUTURES_MAP_INPUT_H

#include "pool/futures/future.h"
#include "pool/futures/progress.h"
#include "pool/futures/split.h"
#include "runtime/sync/ring.h"

/* User values of a Map. */
enum {
  MAP_EXECUTOR = 1,
  MAP_FUNCTION,
  MAP_SOURCES,
  MAP_CLOSING,      /* to be closed at the end, or nil */
  MAP_WINDOW,       /* in order: the table of the ring; unordered: the group */
  MAP_COUNTS,       /* of chunks under way: future -> calls */
  MAP_BATCH,        /* arguments that were read and are not submitted, or nil */
  MAP_RESULTS,      /* of the chunk that is being delivered; the value itself where tasks are single calls */
  MAP_ERRORS,       /* of its calls: place -> {error, traceback}; where Map.failed */
  MAP_SOURCE_ERROR, /* due when nothing is under way any more */
  MAP_SOURCE_TRACEBACK,
  MAP_VALUES = MAP_SOURCE_TRACEBACK,
};

typedef struct Map {
  ObjectHead head;
  bool unordered, persistent; /* [i] */
  bool chunked;               /* [i] tasks are chunks */
  bool automatic;             /* [i] and their size follows the time that calls take */
  int nsources;               /* [i] */
  lua_Integer window;         /* [i] tasks under way, at most */
  lua_Integer buffer;         /* [i] calls under way, at most */
  int64_t deadline;           /* [i] */
  int chunk;                  /* [G] calls in the next task */
  int held, part;             /* [G] calls in the batch, and values of the one after them */
  Split split;                /* [G] the batch, while some of its calls are left */
  Ring ring;                  /* [G] */
  lua_Integer tasks;          /* [G] under way */
  lua_Integer calls;          /* [G] of these, not yet delivered */
  lua_Integer index;          /* [G] of the value read last from lists */
  lua_Integer ready, next;    /* [G] results of the current task, and of these delivered */
  bool failed;                /* [G] some of these are errors */
  bool due;                   /* [G] the next of these no longer counts as under way */
  bool in_use;                /* [G] a thread is in map_next */
  bool ended;                 /* [G] nothing more is read */
  bool source_failed;         /* [G] its error is due */
  Progress progress;          /* [G] */
} Map;

/* In all of these the Map is at index 1. */

/* map_fill reads and submits until the window is full. Raises requests and memory errors; calling it again goes on. */
void map_fill(lua_State *L, Map *m);

/* map_cancel_rest cancels what has not begun and forgets the rest; nothing more is read. */
void map_cancel_rest(lua_State *L, Map *m);

/* map_close_source closes what the source is to be closed with, if anything; its error passes on. */
void map_close_source(lua_State *L);

#endif
