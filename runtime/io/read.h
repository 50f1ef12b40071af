/* Reading from streams. Each call is one item for io.read and file:read: whole, whatever other threads read.
 *
 * What a stopped or failed call had taken is put back into the stream. Results: OK, END, FAILED, STOPPED, NO_MEMORY.
 */
#ifndef GILUA_RUNTIME_IO_READ_H
#define GILUA_RUNTIME_IO_READ_H

#include "runtime/io/stream.h"

/* The longest numeral that read_number takes. */
#define READ_NUMERAL_MAX 200

/* Bytes that a call has read: in the stream's buffer or its spill, valid until the interpreter lock is left or the stream
 * used again. */
typedef struct ReadBytes {
  const char *data;
  size_t n;
} ReadBytes;

/* read_line reads up to a newline, which is the last byte if there is one. END: nothing was left. */
StreamResult read_line(StreamCall *c, ReadBytes *line);

/* read_rest reads up to the end, perhaps nothing. Never END. */
StreamResult read_rest(StreamCall *c, ReadBytes *rest);

/* read_block reads n bytes, fewer only at the end. END: nothing was left. */
StreamResult read_block(StreamCall *c, size_t n, ReadBytes *block);

/* read_numeral reads white space and the longest prefix of a numeral to `to`, with a final zero; "" if it is too long.
 * Never END. */
StreamResult read_numeral(StreamCall *c, char to[READ_NUMERAL_MAX + 1]);

/* read_probe is OK if there is something to read, else END. */
StreamResult read_probe(StreamCall *c);

#endif
