/* What stdio keeps of a stream: how many bytes it gives or takes without the kernel, and its pending output. Standard C
 * hides that, so this reads the fields that the C library's own macros use. A port to another C library replaces it.
 *
 * Threads: whoever holds the stream's own lock (flockfile).
 */
#ifndef GILUA_RUNTIME_OS_STDIO_H
#define GILUA_RUNTIME_OS_STDIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

/* stdio_readable returns how many bytes can be read without the kernel, and where they are. It may be fewer than there
 * are in all, but 0 only if there is none. */
size_t stdio_readable(FILE *f, const char **bytes);

/* stdio_skip takes the first n of these bytes out of the stream. */
void stdio_skip(FILE *f, size_t n);

/* stdio_fill_now fills the empty buffer with what the descriptor has at once, in one system call that does not wait. Returns
 * how many bytes; 0 if there are none now, or only an ordinary read can tell (an end, an error); STDIO_NOT_NOW if the
 * stream, as it is, is not to be filled so; STDIO_NEVER if its descriptor is not. */
enum { STDIO_NOT_NOW = -1, STDIO_NEVER = -2 };
ssize_t stdio_fill_now(FILE *f);

/* stdio_room is the size of the buffer, 0 unless it is empty and a plain one that may be filled from outside; stdio_fill puts n bytes
 * there that were read past the stream, or, where it is not so any more, before those that it has: false when memory is missing. */
size_t stdio_room(FILE *f);
bool stdio_fill(FILE *f, const char *bytes, size_t n);

/* stdio_unread puts n bytes back, to be read again first. Returns false when memory is missing. */
bool stdio_unread(FILE *f, const char *bytes, size_t n);

/* stdio_set_end notes that the stream is at its end, as feof tells, until clearerr. */
void stdio_set_end(FILE *f);

/* stdio_put appends n bytes to the stream's buffer if writing them needs no kernel; else returns false, with nothing
 * done. */
bool stdio_put(FILE *f, const char *bytes, size_t n);

/* stdio_prepare gives an output stream that was never used its buffer: by lines on a terminal, none if it asks for none. */
void stdio_prepare(FILE *f);

/* stdio_pending returns how many bytes wait to be written, and where they are; stdio_drop forgets the first n. */
size_t stdio_pending(FILE *f, const char **bytes);
void stdio_drop(FILE *f, size_t n);

/* stdio_drop_pending forgets what was written to any stream and not flushed. For a forked child, where it is the
 * parent's to write; no other thread may exist. */
void stdio_drop_pending(void);

/* stdio_flush_free writes what any stream holds, but for streams that another thread has at this moment. */
void stdio_flush_free(void);

#endif
