/* Calling the program's own code from C, where an error is somebody's result: of a task, a callback, a source.
 *
 * An interrupt or a cancel of the calling thread is nobody's result. It passes on: whoever called undoes what is half
 * done, and raises it further.
 */
#ifndef GILUA_RUNTIME_STATE_CALL_H
#define GILUA_RUNTIME_STATE_CALL_H

#include <lua.h>

typedef enum CallResult {
  CALL_OK,        /* the results are on top of the stack */
  CALL_FAILED,    /* the error, and above it its traceback, a string or nil */
  CALL_REQUESTED, /* what a request raised: to be raised again by lua_error */
} CallResult;

/* call_user calls the function below the nargs arguments on top of the stack, which are popped. Raises nothing but a memory
 * error before the call; does what the function does to the lock. */
CallResult call_user(lua_State *L, int nargs, int nresults);

#endif
