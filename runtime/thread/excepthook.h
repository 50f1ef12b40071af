/* threading.excepthook: who is told of an error that nobody caught in a thread. */
#ifndef GILUA_RUNTIME_THREAD_EXCEPTHOOK_H
#define GILUA_RUNTIME_THREAD_EXCEPTHOOK_H

#include <lua.h>

/* excepthook_call calls the hook with the Thread at index thread, the error at index err and its traceback. An error in
 * the hook itself is written to stderr. Leaves the stack as it was. */
void excepthook_call(lua_State *L, int thread, int err);

/* excepthook_default(thread, err, traceback) gives one message to Runtime.on_error; the first value of
 * threading.excepthook. */
int excepthook_default(lua_State *L);

/* excepthook_to_stderr is an on_error of hosts that are programs. */
void excepthook_to_stderr(void *data, const char *text);

#endif
