/* Writing to streams. Results: OK, FAILED, STOPPED. What a stopped call has left stays in the stream's buffer as far as it
 * fits; a call that failed leaves nothing there, as stdio does. */
#ifndef GILUA_RUNTIME_IO_WRITE_H
#define GILUA_RUNTIME_IO_WRITE_H

#include "runtime/io/stream.h"

/* write_bytes writes n bytes, by way of the stream's buffer. */
StreamResult write_bytes(StreamCall *c, const char *bytes, size_t n);

/* write_flush writes what is pending, and does what fflush does to a stream that was read. */
StreamResult write_flush(StreamCall *c);

/* write_drain does so for a slow stream; for others nothing. */
StreamResult write_drain(StreamCall *c);

#endif
