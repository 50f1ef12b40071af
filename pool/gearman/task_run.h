/* What a worker does with a task: looks at it, runs it, makes the packet that answers. */
#ifndef GILUA_POOL_GEARMAN_TASK_RUN_H
#define GILUA_POOL_GEARMAN_TASK_RUN_H

#include "pool/gearman/payload.h"
#include "pool/gearman/token.h"

/* Who runs tasks. */
typedef struct Doer {
  Token token;                        /* [i] */
  size_t most;                        /* [i] bytes of a result */
  char where[ENVELOPE_MOST_NAME + 1]; /* what it calls itself in results */
} Doer;

/* task_look reads the head of a task and pushes nil, or the reason for which it is refused. The envelope's views lie
 * within the payload. Raises memory errors. */
void task_look(lua_State *L, const Doer *d, View payload, View unique, Envelope *out);

/* task_run runs the task of an envelope that was looked at, returns the packet with its result for the job of that
 * handle, and pushes nil, or the reason if it was refused. modules: index of the table name -> module of what tasks
 * may be called by name. Raises when there is no memory for any answer. Runs the program's code. */
Payload *task_run(lua_State *L, const Doer *d, const Envelope *task, const char *handle, int modules);

/* task_answer makes the packet of another answer (RESULT_DIED, RESULT_TIMEOUT, RESULT_REFUSED with the text `body`);
 * NULL without memory. */
Payload *task_answer(const Doer *d, const char *handle, const Envelope *answer);

#endif
