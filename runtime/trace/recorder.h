/* Recording who had the lock, who waited for it, and who was blocked in what.
 *
 * The unit is the turn: from taking the lock to leaving it, with the wait before it. It is noted when the turn ends, by
 * the thread itself; turns of one thread that are less than a microsecond apart are one, so that a loop of short native
 * calls does not flood the file. A ring (ring.h) takes the turns to a thread that writes them (writer.h).
 *
 * While nothing is recorded, each taking and each leaving of the lock tests one pointer (Gil.watcher).
 *
 * Everything here needs the lock; that is also what makes all threads one producer.
 */
#ifndef GILUA_RUNTIME_TRACE_RECORDER_H
#define GILUA_RUNTIME_TRACE_RECORDER_H

#include "runtime/state/tstate.h"

typedef struct Recorder Recorder;

/* recorder_start records into the file at path from now on: a page to look at if the name ends in ".html", else Chrome's
 * and Perfetto's JSON. Returns 0, or an errno: EALREADY when a recording is running. */
int recorder_start(Tstate *self, const char *path);

/* recorder_stop completes the file and forgets the recording; returns 0 or the errno of the first write that failed, and
 * adds to *lost, unless that is NULL, the events that were not recorded because the writer could not follow. Without a
 * recording it does nothing. Blocks until the rest is written. */
int recorder_stop(Runtime *rt, uint64_t *lost);

/* recorder_path is the file's name; NULL if nothing is recorded. */
const char *recorder_path(const Runtime *rt);

/* Names of events are numbers, which hold for one recording: later they stand for no name. trace_name returns that of a
 * text, trace_function that of the function at index i ("script.lua:12"); 0 without a recording. */
uint32_t trace_name(Runtime *rt, const char *name);
uint32_t trace_function(lua_State *L, Runtime *rt, int i);

/* For what is not a thread of this runtime, as the worker processes of a pool: a track is a row of its own. trace_track
 * returns its number, or 0 without a recording; trace_event shows an event, begin to end (clock_ns), on it. A track's
 * number holds for one recording: ask again when trace_track_current says no. */
uint32_t trace_track(Runtime *rt, const char *name);
bool trace_track_current(const Runtime *rt, uint32_t track);
void trace_event(Runtime *rt, uint32_t track, uint32_t name, int64_t begin_ns, int64_t end_ns);

/* trace_task_begin and trace_task_end show a task on the row of the thread that does it, self. Only while something is
 * recorded is the first to be called; the second does no harm at other times. */
void trace_task_begin(Tstate *self, uint32_t name);
void trace_task_end(Tstate *self);

/* trace_mark shows that something happened now on self's row. */
void trace_mark(Tstate *self, const char *name);

#endif
