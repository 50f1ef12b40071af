/* Signatures from the types that a program names. */
#ifndef GILUA_RUNTIME_NATIVE_SIGNATURE_READ_H
#define GILUA_RUNTIME_NATIVE_SIGNATURE_READ_H

#include "runtime/native/signature.h"

/* signature_read reads the result's type at index ret and the list of the arguments' types at index args; the types are
 * put into the table on top of the stack, which keeps them. for_calls: of a function that is called, not of a callback.
 * Raises errors. */
void signature_read(lua_State *L, Signature *s, int ret, int args, bool for_calls);

/* signature_prepare readies cif for a call of n values of these types, of which nfixed come before "..."; false: libffi refuses.
 * signature_split_types makes two of the type that is split, among n; returns how many there are now. */
bool signature_prepare(const Signature *s, ffi_cif *cif, unsigned nfixed, unsigned n, ffi_type **types);
unsigned signature_split_types(const Signature *s, ffi_type **types, unsigned n);

#endif
