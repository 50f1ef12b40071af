/* Reading a call in pieces. */
#include "pool/process/task_input.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <unistd.h>

#include "pool/process/stream_string.h"

/* Reads on to the next long string, or to the end. */
static void read_on(TaskInput *in) {
  size_t end = in->next < in->n ? in->places[in->next].at : in->size;
  if (end < in->done || end > in->size) _exit(WORKER_BROKEN);
  channel_read(in->channel, in->buffer + in->done, end - in->done);
  channel_taken(in->channel);
  in->done = end;
  in->stream.at = in->next < in->n ? end : SIZE_MAX;
}

static const void *next_block(void *arg, size_t *n) { return channel_peek(arg, n); }

static void taken(void *arg, size_t n) {
  channel_read(arg, NULL, n);
  channel_taken(arg);
}

static void push(lua_State *L, PickleStream *stream, size_t size) {
  TaskInput *in = (TaskInput *)stream;
  if (size != in->places[in->next].size || size > in->size - in->done) luaL_error(L, "a long string that is none");
  StringSource source = {.next = next_block, .taken = taken, .arg = in->channel, .left = size};
  size_t before = in->done;
  int err = stream_string(L, &source);
  in->done = before + size - source.left; /* what is left after an error is dropped by task_input_end */
  if (err != LUA_OK) lua_error(L);
  in->next++;
  read_on(in);
}

bool task_input_begin(TaskInput *in, Channel *c, const Record *call, unsigned char *buffer) {
  *in = (TaskInput){.stream = {.push = push}, .channel = c, .buffer = buffer, .size = call->size, .n = call->extra};
  if (in->n > 0) in->places = malloc(in->n * sizeof *in->places);
  if (in->n > 0 && in->places == NULL) return false;
  channel_read(c, in->places, in->n * sizeof *in->places);
  read_on(in);
  return true;
}

void task_input_skip(TaskInput *in, Channel *c, const Record *call) {
  *in = (TaskInput){.channel = c};
  channel_read(c, NULL, call->extra * sizeof(StringPlace) + call->size);
  channel_taken(c);
}

void task_input_end(TaskInput *in) {
  if (in->done < in->size) channel_read(in->channel, NULL, in->size - in->done);
  channel_taken(in->channel);
  free(in->places);
  *in = (TaskInput){.channel = in->channel};
}
