/* The consumer's side of a recording: a thread that takes records from the ring and writes them.
 *
 * Its memory does not grow with what it writes, but for the names of threads and lines. What it writes at once are whole
 * lines, so the file of a program that was killed can be read up to there. What goes on when it looks, as waits, stands at
 * the end of the file until there is more to write (open.h). When a write fails it goes on emptying the
 * ring: the program must not notice.
 *
 * The thread never has the interpreter lock, never touches Lua, and takes no signals.
 */
#ifndef GILUA_RUNTIME_TRACE_WRITER_H
#define GILUA_RUNTIME_TRACE_WRITER_H

#include "runtime/os/clock.h"
#include "runtime/trace/ring.h"

typedef struct Writer Writer;

/* writer_start opens the file at path, writes its head, and starts the thread; times are told from `start`, in ticks. The
 * ring, what is now and the clock must outlive it. Returns 0 or an errno, also when the head cannot be written. */
int writer_start(Writer **out, TraceRing *ring, const TraceNow *now, const char *path, const Clock *clock,
                 uint64_t start);

/* writer_stop writes the rest of the ring and the end of the file, and frees the writer. Returns 0 or the errno of the
 * first write that failed. Blocks: until that is done. Nobody may put records any more. */
int writer_stop(Writer *w, uint64_t now, uint64_t lost);

#endif
