/* An arena: one piece of memory without a name in the file system, in which processes share objects.
 *
 * It is a memfd as large as the machine's memory, of which pages exist once they are touched: one descriptor and one mapping
 * for any number of objects. Forked processes inherit it; others open it through /proc/PID/fd of one that has it. A process
 * keeps what it has mapped until it ends.
 *
 *   header, members, flights | extents, a table | the extents' memory, powers of two
 *
 * Extents    0 -> owner       arena_alloc: owner is the process that fills it, or the object that it is part of
 *            owner -> owner   arena_give, by that owner
 *            owner -> 0       arena_free; whoever sweeps, if the owner is a dead process
 * Members    0 -> id          a process that uses the arena, at its first use
 *            dead -> 0        whoever sweeps: no object has its bit any more
 * Flights    0 -> owner       an object goes into a message: flight.h
 *
 * Every step is one store under the arena's guard. Lists of free extents are only a way to find them: they are made anew from
 * the table by whoever recovers.
 */
#ifndef GILUA_RUNTIME_SHARED_ARENA_H
#define GILUA_RUNTIME_SHARED_ARENA_H

#include <stddef.h>

#include "runtime/shared/guard.h"

enum {
  MOST_MEMBERS = 1024,     /* processes that use one arena at once */
  MOST_FLIGHTS = 8192,     /* objects on their way at once */
  EXTENT_LEAST = 8,        /* log2 of the smallest extent */
  EXTENT_CLASSES = 40      /* log2 of the largest is below */
};

typedef struct Extent {
  _Atomic uint64_t owner; /* [guard] 0: free; a SharedId; extent_of_object(i) */
  uint64_t offset;        /* [i] from the arena's begin */
  uint32_t next;          /* [guard] in its list of free ones */
  uint8_t class;          /* [i] log2 of its size */
} Extent;

typedef struct Member {
  _Atomic SharedId id; /* [guard] */
  uint64_t stack;      /* [guard] SharedLife.stack of it */
} Member;

/* An object on its way in a message; its carrier holds it: a process, or a queue that has the message. */
typedef struct Flight {
  _Atomic uint64_t carrier; /* [guard] 0: none; as Extent.owner */
  uint32_t object, number;  /* [guard] no two have the same number */
} Flight;

typedef struct ArenaHead {
  uint64_t magic, nonce;  /* [i] */
  uint64_t size;          /* [i] bytes of the whole */
  uint32_t most;          /* [i] extents in the table */
  uint32_t serial;        /* [guard] number of the last object */
  Guard guard;
  _Atomic uint32_t count;        /* [guard] extents that were made, the first is number 1 */
  uint32_t free[EXTENT_CLASSES]; /* [guard] lists; 0: empty */
  uint64_t idle;                 /* [guard] bytes of free extents that still have pages, about */
  uint32_t flights_end;          /* [guard] none from here on */
  Member members[MOST_MEMBERS];
  Flight flights[MOST_FLIGHTS];
} ArenaHead;

/* What could not be done because somebody had the guard. malloc'd; run is called with the guard, by whichever thread of this
 * process has it next, touches no Lua, and frees it. */
typedef struct Arena Arena;
typedef struct ArenaLater ArenaLater;
struct ArenaLater {
  ArenaLater *next;
  void (*run)(Arena *a, ArenaLater *l);
};

/* One as this process sees it. Never freed. */
struct Arena {
  ArenaHead *head;      /* [i] */
  Extent *extents;      /* [i] */
  int fd;               /* [i] */
  uint32_t *handles;    /* [guard] by extent: how many handles of this process refer to that object */
  SharedId self;        /* [guard] which process `member` is of */
  unsigned member;      /* [guard] */
  int zygote;           /* [i] member number of the zygote that this process was forked from, -1: none; arena_inherit */
  _Atomic(ArenaLater *) later; /* [a] release; acq_rel exchange */
  struct Arena *next;   /* [i] */
};

static inline uint64_t extent_of_object(uint32_t index) { return (uint64_t)1 << 63 | index; }

/* arena_own is the arena that this process makes objects in: the first that it had. NULL with errno. */
Arena *arena_own(void);

/* arena_first is the list of those that are mapped. */
Arena *arena_first(void);

/* arena_open finds the arena with that nonce, through descriptor fd of process pid if it is not mapped yet. NULL: gone. */
Arena *arena_open(uint64_t nonce, int pid, int fd);

/* arena_enter takes the guard and recovers, if it must; false when *stop or the deadline came first. arena_try: if it is free
 * within some microseconds. arena_leave. All who take it do what was left for later. */
bool arena_enter(Arena *a, int64_t deadline, const atomic_bool *stop);
bool arena_try(Arena *a);
void arena_leave(Arena *a);

/* arena_later leaves l to whoever takes the guard next. Any thread. */
void arena_later(Arena *a, ArenaLater *l);
static inline bool arena_has_later(const Arena *a) { return atomic_load_explicit(&a->later, memory_order_relaxed) != NULL; }

/* arena_join makes this process a member; false if there are too many. With the guard. Objects' bits of a member that died
 * must be cleared before its number is used again: the sweeper, set by object.c, does that for the member; at the end it is
 * called with -1. */
bool arena_join(Arena *a);
typedef void ArenaSweep(Arena *a, int member);
void arena_on_sweep(ArenaSweep *sweep);

/* arena_sweep looks which members are dead, and gives back what was theirs. With the guard. */
void arena_sweep(Arena *a);

/* arena_member_alive tells whether the member lives and still runs the program that joined. Some 20 us. */
bool arena_member_alive(Arena *a, unsigned member);

/* arena_alloc makes an extent of at least so many bytes, the caller's; 0: no room, also after a sweep. With the guard. */
uint32_t arena_alloc(Arena *a, size_t size);

/* arena_free gives one back; with the guard. arena_free_own does that for one of this process's, without the guard: if somebody
 * has it, later. arena_give changes whose it is. */
void arena_free(Arena *a, uint32_t index);
void arena_free_own(Arena *a, uint32_t index);
static inline void arena_give(Arena *a, uint32_t index, uint64_t owner) {
  atomic_store_explicit(&a->extents[index].owner, owner, memory_order_release);
}

static inline void *arena_at(const Arena *a, uint32_t index) { return (char *)a->head + a->extents[index].offset; }
static inline size_t arena_size(const Arena *a, uint32_t index) { return (size_t)1 << a->extents[index].class; }

#endif
