/* Flights of a message (runtime/shared/flight.h) as Lua values, which the message keeps: whoever gives up a message that was not
 * read ends its flights, by the collector at the latest.
 *
 * All need the lock, and may leave it: another process may have the arena's guard.
 */
#ifndef GILUA_POOL_PROCESS_FLIGHTS_H
#define GILUA_POOL_PROCESS_FLIGHTS_H

#include "pool/pickle/pickle.h"
#include "runtime/shared/handle.h"

/* flights_push pushes an empty one, for a __reduce to return last; flights_begin fills it. */
typedef struct MessageFlight MessageFlight;
MessageFlight *flights_push(lua_State *L);
void flights_begin(MessageFlight *f, Arena *a, uint32_t flight);

/* flights_to_queue makes the queue carry what m carries, before m is put into it; it is not this message's any more. flights_back
 * takes that back. flights_push_numbers pushes which of them are in the queue's arena: a string of uint32_t. flights_to_process: the process that gets m, likewise. */
void flights_push_numbers(lua_State *L, const PickleMessage *m, const Shared *queue);
void flights_to_queue(lua_State *L, const PickleMessage *m, const Shared *queue);
void flights_back(lua_State *L, const PickleMessage *m);
void flights_to_process(lua_State *L, const PickleMessage *m, SharedId to);

#endif
