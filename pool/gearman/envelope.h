/* What a job's payload and its result are inside: a head, a pickled body, maybe a signature. Pure: no Lua, no memory
 * of its own.
 *
 * All numbers are little-endian.
 *
 *   task      "gLq" version  kind  flags  name size (2)  release (4)  retries (4)  timeout in ns (8)
 *             unique size (1)  unique  name  body  signature (32, if flagged)
 *   result    "gLr" version  kind  flags  worker size (2)  ns (8)  pid (4)  status (4)
 *             unique size (1)  unique  worker  body  signature (32, if flagged)
 *
 * A signature is the HMAC-SHA256 of all bytes before it. The unique in a result says of which task it is, so that a
 * signed result cannot be given for another task.
 *
 *   kind of a task     'n'  a name "module:function", and its arguments as pickled values
 *                      'v'  the function and its arguments as pickled values, bytecode among them
 *   kind of a result   'r'  values      'e'  an error and its traceback, pickled
 *                      'd'  the process that did it died; pid, status of waitpid        't'  it outran its time; pid
 *                      'x'  the worker refuses the task; the body is text that says why
 */
#ifndef GILUA_POOL_GEARMAN_ENVELOPE_H
#define GILUA_POOL_GEARMAN_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  ENVELOPE_VERSION = 1,
  ENVELOPE_SIGNATURE = 32,
  ENVELOPE_MOST_NAME = 255,                     /* bytes of a name, of what a worker calls itself, of a unique */
  ENVELOPE_MOST_HEAD = 32 + 3 * ENVELOPE_MOST_NAME,
};

enum { ENVELOPE_SIGNED = 1, ENVELOPE_CHUNK = 2 /* the body is a chunk's (chunk_run) */ };

typedef enum EnvelopeKind {
  TASK_BY_NAME = 'n',
  TASK_BY_VALUE = 'v',
  RESULT_VALUES = 'r',
  RESULT_ERROR = 'e',
  RESULT_DIED = 'd',
  RESULT_TIMEOUT = 't',
  RESULT_REFUSED = 'x',
} EnvelopeKind;

/* Bytes somewhere else. */
typedef struct View {
  const uint8_t *bytes;
  size_t size;
} View;

/* Both kinds; what the other one has is 0. */
typedef struct Envelope {
  EnvelopeKind kind;
  unsigned flags;
  View unique;
  View name;                 /* of a task: of the function; of a result: the worker */
  View body;
  View covered, signature;   /* when read: what the signature is of; it */
  uint32_t release, retries; /* of a task */
  uint64_t timeout_ns;
  uint64_t ns;               /* of a result: how long the call took */
  uint32_t pid, status;
} Envelope;

/* envelope_write_task and envelope_write_result write the head, all that stands before the body, and return its size.
 * The views are at most ENVELOPE_MOST_NAME long. */
size_t envelope_write_task(uint8_t to[ENVELOPE_MOST_HEAD], const Envelope *e);
size_t envelope_write_result(uint8_t to[ENVELOPE_MOST_HEAD], const Envelope *e);

/* What envelope_read_… says. */
enum { ENVELOPE_EFOREIGN = -1 /* it is something else */, ENVELOPE_EVERSION = -2, ENVELOPE_EDAMAGED = -3 };

/* envelope_read_task and envelope_read_result fill in *out, whose views lie within the bytes; 0 or one of the above. */
int envelope_read_task(const uint8_t *bytes, size_t size, Envelope *out);
int envelope_read_result(const uint8_t *bytes, size_t size, Envelope *out);

#endif
