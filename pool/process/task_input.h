/* The bytes of a call, as its worker reads them: the message but for its long strings, which go from the ring into strings of Lua
 * without another copy.
 *
 *   begin   the places of the strings and the bytes up to the first are read
 *   push    a string is taken from the ring, then the bytes up to the next
 *   end     what an error left unread is dropped
 */
#ifndef GILUA_POOL_PROCESS_TASK_INPUT_H
#define GILUA_POOL_PROCESS_TASK_INPUT_H

#include "pool/process/channel.h"

typedef struct TaskInput {
  PickleStream stream; /* first: for pickle_load_stream */
  Channel *channel;
  unsigned char *buffer; /* the message, with holes that are never touched */
  size_t done, size;     /* of the message */
  StringPlace *places;   /* malloc'd */
  unsigned next, n;      /* in places */
} TaskInput;

/* task_input_begin reads the beginning of a call into buffer, which has room for the whole message. False without memory:
 * task_input_skip drops the call then. */
bool task_input_begin(TaskInput *in, Channel *c, const Record *call, unsigned char *buffer);
void task_input_skip(TaskInput *in, Channel *c, const Record *call);
void task_input_end(TaskInput *in);

#endif
