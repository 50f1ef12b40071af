/* Calling C functions that the program was not compiled for.
 *
 * A call converts its arguments under the lock, pins the buffers among them, leaves the lock, calls, retakes the lock,
 * and converts the result. Nothing is allocated for it but what the result needs.
 */
#ifndef GILUA_RUNTIME_NATIVE_FOREIGN_H
#define GILUA_RUNTIME_NATIVE_FOREIGN_H

#include <lua.h>
#include <stdbool.h>

/* A call in progress, on the C stack of the thread that makes it: where an error in a callback is left for the
 * caller. */
typedef struct ForeignCall {
  struct ForeignCall *outer;
  lua_State *L;
  bool failed; /* the error is on top of the stack of L */
} ForeignCall;

/* foreign_push pushes a Lua function that calls the C function at an address; name is for messages; the types at stack
 * indexes ret and args, the options at index options ({release = false}: keep the lock); what is at index keep (0:
 * nothing) lives as long as the function. */
void foreign_push(lua_State *L, const char *name, void *address, int ret, int args, int options, int keep);

#endif
