/* What a C function takes and returns. signature_read.h makes one. */
#ifndef GILUA_RUNTIME_NATIVE_SIGNATURE_H
#define GILUA_RUNTIME_NATIVE_SIGNATURE_H

#include "runtime/native/ctype.h"

#define FOREIGN_MAX_ARGS 32

/* Prepared for libffi. Must not move: cif points into it. */
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

#endif
