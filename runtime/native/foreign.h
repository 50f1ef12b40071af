/* Calling C functions that the program was not compiled for: signatures, and the call.
 *
 * A call converts its arguments under the lock, pins the buffers among them, leaves the lock, calls, retakes the lock,
 * and converts the result. Nothing is allocated for it but what the result needs.
 */
#ifndef GILUA_RUNTIME_NATIVE_FOREIGN_H
#define GILUA_RUNTIME_NATIVE_FOREIGN_H

#include "runtime/native/ctype.h"

#define FOREIGN_MAX_ARGS 32

/* What a C function takes and returns, prepared for libffi. Must not move: cif points into it. */
typedef struct Signature {
  ffi_cif cif;
  unsigned nargs; /* the fixed ones, and those that are named behind "..." */
  unsigned nfixed;
  bool variadic; /* has a "..." */
  bool structs;  /* by value, among arguments and result */
  bool open;     /* which is last: any values may follow */
  const CType *ret;
  const CType *args[FOREIGN_MAX_ARGS];
  ffi_type *ffi_args[FOREIGN_MAX_ARGS + 1]; /* those of args, one of them perhaps as two (abi.h) */
  int split;                                /* that one, or -1 */
} Signature;

/* A call in progress, on the C stack of the thread that makes it: where an error in a callback is left for the
 * caller. */
typedef struct ForeignCall {
  struct ForeignCall *outer;
  lua_State *L;
  bool failed; /* the error is on top of the stack of L */
} ForeignCall;

/* signature_read reads the result's type at index ret and the list of the arguments' types at index args; the types are
 * put into the table on top of the stack, which keeps them. for_calls: of a function that is called, not of a callback.
 * Raises errors. */
void signature_read(lua_State *L, Signature *s, int ret, int args, bool for_calls);

/* foreign_push pushes a Lua function that calls the C function at an address; name is for messages; the types at stack
 * indexes ret and args, the options at index options ({release = false}: keep the lock); what is at index keep (0:
 * nothing) lives as long as the function. */
void foreign_push(lua_State *L, const char *name, void *address, int ret, int args, int options, int keep);

#endif
