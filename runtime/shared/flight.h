/* Flights: objects on their way in messages.
 *
 * Whoever reads the message may come late, or never; until then the object is held by the flight's carrier, as by a handle.
 *
 *   0 -> process        shared_name: the message is written; its process keeps it, or has made a string of it
 *   process -> queue    before the message is put into that queue; back if it could not be
 *   process -> process  before a result is sent: the program has it then
 *   any -> 0            who attaches; who frees a message that was not sent, or whose reader has ended; the end of the carrier:
 *                       a dead process is swept, a freed queue takes along what is in it
 *
 * A queue that is carried by an item of itself, or by one of a queue that it carries, is held by nobody: held.h.
 */
#ifndef GILUA_RUNTIME_SHARED_FLIGHT_H
#define GILUA_RUNTIME_SHARED_FLIGHT_H

#include "runtime/shared/arena.h"

/* All with the arena's guard. flight_begin returns the number of a new one, 0: there are too many. flight_find finds that of a
 * number, NULL: it has ended. */
uint32_t flight_begin(Arena *a, uint32_t object, uint64_t carrier);
Flight *flight_find(Arena *a, uint32_t number);
void flight_end(Arena *a, Flight *f);

/* The carrier is a queue of another arena: nobody can tell when that ends, so only who attaches ends the flight. */
#define FLIGHT_ELSEWHERE UINT64_MAX

static inline uint64_t flight_carrier(const Flight *f) { return atomic_load_explicit(&f->carrier, memory_order_relaxed); }
static inline bool flight_in_queue(uint64_t carrier) { return carrier >> 63 != 0; }

#endif
