/* Setting a wait aside: a signal handler of Lua runs amid a wait of the main thread, and may wait for something itself.
 *
 * The node of the innermost wait is Tstate.wait; the others lie in Hearing.aside, linked from Tstate.aside.
 *
 * States of a wait        WAITING   in its queue, its thread asleep
 *                         STANDS    aside, in its queue: what it waits for is told (an event, a join, a notification)
 *                         AWAY      aside, out of its queue, which is Waiter.home: what it waits for would be had (a lock, a permit, an
 *                                   item), and nobody could have it while the handler runs, the handler neither
 *                         GRANTED   out of its queue, and to end
 *
 * Transitions             who, all with the interpreter lock           where
 *   WAITING -> STANDS     its thread, without Waiter.claim             aside_begin
 *   WAITING -> AWAY       its thread, with Waiter.claim                aside_begin
 *   STANDS  -> GRANTED    a waker; nobody is readied for it            park_grant
 *   STANDS  -> AWAY       a notification: its lock is still to be had  park_move
 *   STANDS  -> WAITING    its thread, where it stood                   aside_end
 *   AWAY    -> GRANTED    its thread, if what it waits for is there    aside_end
 *   AWAY    -> WAITING    its thread, as if it had never left          aside_end
 *
 * So nothing that was granted is lost, and nothing is kept from others while a handler runs.
 */
#ifndef GILUA_RUNTIME_SYNC_ASIDE_H
#define GILUA_RUNTIME_SYNC_ASIDE_H

#include "runtime/state/tstate.h"

/* aside_begin sets the wait of ts, the calling thread, which has the lock, aside; aside_end makes it go on: then it is
 * granted, or stands in a queue, or is a mere sleep. They nest. Hearing.depth is below HEAR_DEPTH. */
void aside_begin(Tstate *ts);
void aside_end(Tstate *ts);

/* aside_sane checks the block above for ts. Needs the lock. */
bool aside_sane(const Tstate *ts);

#endif
