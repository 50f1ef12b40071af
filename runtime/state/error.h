/* Error objects: what a program may want to catch. A table {kind, message, traceback, cause, …} with the metatable
 * gilua.Error; tostring gives "kind: message" and the traceback. */
#ifndef GILUA_RUNTIME_STATE_ERROR_H
#define GILUA_RUNTIME_STATE_ERROR_H

#include <lua.h>
#include <stdbool.h>

/* The kinds. */
#define ERROR_TIMEOUT "timeout"
#define ERROR_CANCELLED "cancelled"
#define ERROR_INTERRUPTED "interrupted"
#define ERROR_DEADLOCK "deadlock"
#define ERROR_INVALID_STATE "invalid_state"
#define ERROR_FINALIZING "finalizing"
#define ERROR_BROKEN_POOL "broken_pool"

/* error_push pushes an error object with a formatted message (lua_pushfstring's conversions). */
void error_push(lua_State *L, const char *kind, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* error_push_value is error_push with the message on top of the stack, which it pops. */
void error_push_value(lua_State *L, const char *kind);

/* error_raise raises one. It does not return; the int is for `return error_raise(…)`. */
int error_raise(lua_State *L, const char *kind, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* error_raise_state raises one of kind invalid_state with the field `state`. */
int error_raise_state(lua_State *L, const char *state, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* error_is tells whether the value at index i is an error object, of that kind unless kind is NULL. */
int error_is(lua_State *L, int i, const char *kind);

/* error_push_text pushes the text of the error at index i, for reports, and returns it: its __tostring may fail. Raises memory
 * errors only. */
const char *error_push_text(lua_State *L, int i);

/* error_traceback_handler is a message handler: it gives an error object its traceback, remembers the traceback of any
 * other value (error_last_traceback), and passes the value on. */
int error_traceback_handler(lua_State *L);

/* error_push_traceback pushes the traceback that belongs to the value at index i, or nil: the field of an error object,
 * or what error_traceback_handler remembered for a value that it saw. */
void error_push_traceback(lua_State *L, int i);

/* error_push_report pushes what people are told of the error at index i, which error_traceback_handler saw: its text and where it
 * was raised. */
const char *error_push_report(lua_State *L, int i);

/* error_remember_traceback is for a C function that raises again what was raised elsewhere: the traceback on top of the stack
 * (or nil), popped, belongs to the value at index i from now on, for the calling thread. Call it in that function itself. */
void error_remember_traceback(lua_State *L, int i);

/* error_remember_handler is the same, without a traceback pushed, for what a signal's handler has raised last, if the calling thread
 * remembers it. error_forget makes it remember none. */
void error_remember_handler(lua_State *L, int i);
void error_forget(lua_State *L);

/* error_call is lua_pcall with error_traceback_handler; error_pass_on raises again what it caught with that status, which is on
 * top: what is shown is where it was raised, not who passed it on. Both in one C function. For what must be undone first. */
int error_call(lua_State *L, int nargs, int nresults);
int error_pass_on(lua_State *L, int status);

/* error_take_remote pushes that traceback if the value at index i is being raised again now, else nil; once. For message handlers,
 * which call it themselves. Returns the line between it and the traceback of here; NULL: it goes down to here, as
 * error_pass_on's does. */
const char *error_take_remote(lua_State *L, int i);

/* error_note_request: the value on top of the stack is what a request (request.h) raises in the calling thread.
 * error_is_request tells whether the one at index i is the newest of these: it is nobody's result, and passes on. */
void error_note_request(lua_State *L);
bool error_is_request(lua_State *L, int i);

/* error_open pushes nothing; it makes the metatable, and puts error_traceback_handler and a function that raises its argument as
 * error_pass_on does into the registry, for generated bindings, which are linked to nothing of ours. error_push_metatable pushes
 * gilua.Error. */
#define ERROR_HANDLER "gilua.error_handler"
#define ERROR_PASS_ON "gilua.error_pass_on"
void error_open(lua_State *L);
void error_push_metatable(lua_State *L);

#endif
