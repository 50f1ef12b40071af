/* What threads are at when a look is taken: for the end of a file whose program may be killed before they are done.
 *
 * Each thread is where its newest turn left it. The writer's thread only.
 */
#ifndef GILUA_RUNTIME_TRACE_OPEN_H
#define GILUA_RUNTIME_TRACE_OPEN_H

#include "runtime/trace/format.h"

enum { OPEN_MOST = 1024 };

typedef struct OpenWait {
  uint32_t id; /* of the thread; 0: a free place */
  uint32_t where;
  uint64_t since;
  uint16_t name;
  bool waits;
} OpenWait;

/* A place a thread, by its id; who comes while the place is taken is not shown. */
typedef struct OpenWaits {
  OpenWait at[OPEN_MOST];
} OpenWaits;

/* open_note learns from a record that is written. */
void open_note(OpenWaits *o, const Record *r);

/* open_write writes turns that have not ended: what all wait for at the time `ticks`, and the turn that is now. */
void open_write(const OpenWaits *o, Trace *t, const TraceFormat *format, const Record *now, uint64_t ticks);

#endif
