/* The watchdog: who kept others waiting for the lock.
 *
 * A hold is reported when a thread has stood in line for so long while it lasted. Lua code is made to leave after an
 * interval, so that is a native call that kept the lock, or a finalizer. A hold that disturbs nobody is not reported.
 *
 * Noticed by      the holder, when it leaves (Gil.late): only then is the place known, and nobody could be let in before.
 * Told by         the thread that was kept waiting, at its next VM instruction (REQUEST_REPORT); in between the report is
 *                 kept in the watchdog, the longest if there are several.
 */
#ifndef GILUA_RUNTIME_TRACE_WATCHDOG_H
#define GILUA_RUNTIME_TRACE_WATCHDOG_H

#include "runtime/state/traceback.h"
#include "runtime/state/tstate.h"

/* What is told of a long hold. */
typedef struct LongHold {
  lua_Integer ident; /* of the thread that held the lock */
  int64_t waited_ns; /* how long somebody waited for it meanwhile */
  char at[TRACEBACK_WHERE_SIZE]; /* where it left the lock, "" if in no Lua function */
} LongHold;

/* watchdog_set reports holds that keep a thread waiting for longer than ns, by notice(data, hold), called with the lock on
 * the thread that waited, and by the Lua function at stack index f of L (0: none). ns 0 switches both off. notice may be
 * NULL; it may call Lua only as a hook may. Raises memory errors. */
void watchdog_set(lua_State *L, Runtime *rt, int64_t ns, int f, void (*notice)(void *data, const LongHold *hold),
                  void *data);

#endif
