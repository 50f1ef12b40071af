/* What libffi (3.4.4) gets wrong on x86-64 and arm64, and what is done about it. Elsewhere nothing is. */
#ifndef GILUA_RUNTIME_NATIVE_ABI_H
#define GILUA_RUNTIME_NATIVE_ABI_H

#include "runtime/native/signature.h"

/* abi_can_return tells whether libffi finds a result of that type: a struct of one long double comes back in a register
 * of the x87, but it reads others. */
bool abi_can_return(const CType *type);

/* abi_split returns the number of the parameter that libffi must be given as two, or -1. A struct of an integer and a
 * float word that gets the last integer register is copied there whole, over what the first float register is to hold.
 * As an integer and a float it goes the same way. */
int abi_split(const Signature *s);

/* abi_split_types fills the types of both parts of a struct; the second is 8 bytes behind the first. */
void abi_split_types(const CType *type, ffi_type *parts[2]);

/* abi_misplaced returns the number of the parameter that libffi puts where the function does not look, or -1: on arm64 a
 * struct that goes by reference, with alignment 16, whose address no register is left for. libffi aligns the address as
 * the struct. */
int abi_misplaced(const Signature *s);

#endif
