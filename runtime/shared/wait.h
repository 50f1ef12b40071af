/* Waiting for what other processes do: the one sleep of everything in shared memory.
 *
 * Every object has places for those who wait, first come, first served by number.
 *
 * States of a place   FREE
 *                     WAITING   its thread is awake, or about to sleep
 *                     ASLEEP    it sleeps on the word
 *                     GRANTED   told to look; it has not left yet
 *
 * Transitions                  who                                     order
 *   FREE -> WAITING            its thread, with the guard              relaxed
 *   WAITING -> ASLEEP          its thread, without                     seq_cst: it sleeps only if nobody granted
 *   ASLEEP -> WAITING          its thread or nudger, without           the same
 *   WAITING, ASLEEP -> GRANTED a granter, with the guard               acq_rel; ASLEEP: it wakes, after it left the guard
 *   GRANTED -> WAITING         its thread, with the guard: what it was told of is gone again; it keeps its number
 *   any -> FREE                its thread, with the guard, or without if somebody stands still with it; a sweeper, if its
 *                              process is dead. Without the guard the place stays marked as used until somebody looks
 *
 * A grant is a hint for all but a Condition: who is granted tries, and so does everybody who has slept for SHARED_LOOK_NS. So a
 * death between a change and its wake, or between a wake and what was to be done with it, costs others at most that time.
 *
 * While a handler of a signal runs amid a wait, what would be had (a lock, a permit, an item) is left to others: the waiter
 * leaves its place, and comes back with the same number. One that is told something (a notification, an event) stands where
 * it is: SharedWait.stands.
 */
#ifndef GILUA_RUNTIME_SHARED_WAIT_H
#define GILUA_RUNTIME_SHARED_WAIT_H

#include "runtime/shared/handle.h"
#include "runtime/sync/park.h"

enum { WAIT_PLACES = 128, WAIT_WORDS = WAIT_PLACES / 64 };

static const int64_t SHARED_LOOK_NS = 100000000, ENTER_NS = 1000000000;

typedef enum PlaceState { PLACE_FREE, PLACE_WAITING, PLACE_ASLEEP, PLACE_GRANTED } PlaceState;

typedef struct Place {
  _Atomic uint32_t state; /* PlaceState */
  uint32_t number;        /* [guard] who came first has the least */
  _Atomic SharedId id;    /* [guard] */
  uint32_t group;         /* [guard] what for: an object's own numbers, below 32 */
  uint32_t told;          /* [guard] GRANTED: Places.last then: who has a greater number came after it */
  int64_t since;          /* [guard] CLOCK_MONOTONIC */
} Place;

typedef struct Places {
  uint32_t last;              /* [guard] number that was given last */
  uint64_t used[WAIT_WORDS];  /* [guard] not FREE */
  Place places[WAIT_PLACES];
} Places;

/* Whom to wake after the guard was left. */
typedef struct Woken {
  uint64_t places[WAIT_WORDS];
} Woken;

typedef struct SharedWait SharedWait;
struct SharedWait {
  Shared *handle;
  Places *places;     /* of the object */
  /* With the guard: does what is waited for if that can be now; true: done. look: some time has passed, ask who is alive. It may
   * grant others. Only `outside` it may wait, some ms: else the calling thread has the interpreter lock. */
  bool (*try)(SharedWait *w, bool look);
  void (*recover)(Shared *s); /* with the guard, taken from a dead process; NULL: nothing is left half done */
  const char *what;   /* for dumps and recordings: a literal */
  const _Atomic uint64_t *owner; /* the word that says which process has it, for dumps; or NULL */
  int64_t deadline;   /* 0: do not wait */
  uint32_t group;
  bool bound;         /* it must have a place: else PARK_FORBIDDEN with `full` */
  bool stands;        /* it keeps its place while a handler of a signal runs, and what it was told then */
  bool shielded;      /* no request ends it; handlers of signals run amid it */
  /* Without any lock, once, when it has its place: gives up what it came with. Or NULL. */
  void (*placed)(SharedWait *w);
  /* With the interpreter lock: what it got while it slept goes back, because a request has come meanwhile; whether that could
   * be. NULL: it keeps it, and the request is raised after the call. */
  bool (*give_back)(Tstate *ts, SharedWait *w);
  /* of the wait */
  Woken woken;        /* by try */
  _Atomic int place;  /* -1: none; seq_cst: stop looks at it */
  bool numbered;      /* it had a place, of that number */
  uint32_t number, told; /* told: Place.told of what ended it */
  bool full, granted; /* granted: told to look; after the wait: done */
  bool outside;
  int64_t began;
  bool stuck;         /* nobody else seems to have the object: look with the interpreter lock whether anybody could end this */
  atomic_bool stop;   /* [a] a request came */
};

/* shared_wait tries, and waits until that gives true; PARK_TIMEOUT: late, or the handle is `closing`. PARK_DEADLOCK: nobody
 * else has the object, and this process does nothing but wait. Needs the lock,
 * held by ts; leaves it if it must wait. Gives what park_check takes. */
ParkResult shared_wait(Tstate *ts, SharedWait *w);

/* shared_enter takes the guard for a change that waits for nothing; recovers. A process that stands still may have it: then it
 * waits without the lock, and requests end that after ENTER_NS at the earliest: what gives something back is done if it can
 * be. Gives what park_check takes. shared_enter_soon gives up at the deadline instead; false then. shared_leave leaves
 * the guard, and then wakes whom a grant has marked. */
ParkResult shared_enter(Tstate *ts, Shared *s, void (*recover)(Shared *s));
bool shared_enter_soon(Tstate *ts, Shared *s, int64_t deadline);
void shared_leave(Shared *s, Places *places, Woken *woken);

/* places_grant tells the first n of a group to look. Returns how many it told. With the guard. */
unsigned places_grant(Places *p, uint32_t group, unsigned n, Woken *woken);

/* places_pass tells the first of a group that had its place when the grant with that Place.told was given, which nobody used. */
void places_pass(Places *p, uint32_t group, uint32_t told, Woken *woken);

/* places_first is the first of a group that was not told yet; NULL: nobody. */
Place *places_first(Places *p, uint32_t group);
bool places_any(const Places *p);

/* places_wake_all makes everybody look, without the guard: the other end of a Pipe was closed. */
void places_wake_all(Places *p);

#endif
