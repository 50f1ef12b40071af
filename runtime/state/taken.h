/* A signal that another library takes again and again is given up. */
#ifndef GILUA_RUNTIME_STATE_TAKEN_H
#define GILUA_RUNTIME_STATE_TAKEN_H

#include "runtime/state/runtime.h"

/* taken_serve, where Runtime.taker is set: count hooks preempt from now on, and Runtime.on_error is told who took the signal.
 * Needs the lock. */
void taken_serve(Runtime *rt);

#endif
