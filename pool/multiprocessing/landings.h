/* Flights (runtime/shared/flight.h) end when what they carry is held, but those of a message that may be read again: with it. */
#ifndef GILUA_POOL_MULTIPROCESSING_LANDINGS_H
#define GILUA_POOL_MULTIPROCESSING_LANDINGS_H

#include "runtime/shared/handle.h"

/* landings_take: the calling thread has attached to what is in that flight; 0: there is none. Needs the lock, and may leave it. */
void landings_take(Arena *a, uint32_t flight);

#endif
