/* Who holds an object: members of its arena, by their bits; zygotes, for what was inherited; flights, for messages.
 *
 * A flight holds as long as its carrier is there: a living process, or a queue that is itself held. So queues that are only in
 * each other's items are held by nobody.
 */
#ifndef GILUA_RUNTIME_SHARED_HELD_H
#define GILUA_RUNTIME_SHARED_HELD_H

#include "runtime/shared/object.h"

/* held_set sets or clears a member's bit; with the arena's guard. */
void held_set(_Atomic uint64_t *bits, unsigned member, bool on);

/* held_has_bits tells whether a member has a bit of o, in a look whether a living one has; the inherited bit of member `but`
 * (-1: none) does not count. Without the guard: it may be in flight between. held_reached counts flights, too; with the guard. */
bool held_has_bits(Arena *a, SharedObject *o, int but, bool look);
bool held_reached(Arena *a, SharedObject *o, int but, bool look);

/* held_only tells whether no living process but `member` has a bit of o, the inherited one of `zygote` not counted, and it does not
 * fly; with the guard. */
bool held_only(Arena *a, SharedObject *o, unsigned member, int zygote);

/* held_object is the object whose extent is number i, or NULL. held_free frees o, its peer and what they carry, unless they are
 * held. held_land ends a flight. held_sweep forgets a dead member; -1: flights of the dead. With the guard. */
SharedObject *held_object(Arena *a, uint32_t i);
void held_free(Arena *a, SharedObject *o);
void held_land(Arena *a, uint32_t number);
void held_sweep(Arena *a, int member);

#endif
