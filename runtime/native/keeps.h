/* What memory that C sees leads to: the Lua values whose addresses ctypes stored there.
 *
 * Each piece of memory that Lua has (what ctypes.new made, a buffer) has a table of them, by the place where the address
 * stands: {place in words from the beginning = value}. It goes where the address goes: who copies memory copies what
 * stands for it, or the copy would point at what is collected. Memory of C has nobody to keep it: there the table is that
 * of the pointer object through which it was stored.
 *
 * owner is the stack index of a pointer (or a buffer) that belongs to the memory, not to be 0 but where that is said.
 * Needs the lock.
 */
#ifndef GILUA_RUNTIME_NATIVE_KEEPS_H
#define GILUA_RUNTIME_NATIVE_KEEPS_H

#include <lua.h>
#include <stddef.h>

/* keeps_put makes the memory keep the value at index v for as long as its address stands at `address`; owner 0: nobody
 * can. It may allocate: store after it. */
void keeps_put(lua_State *L, int owner, const void *address, int v);

/* keeps_push pushes the value whose address stands at `address`, or nil. Allocates nothing. */
void keeps_push(lua_State *L, int owner, const void *address);

/* keeps_move is memmove together with what is kept; owners may be 0. Raises where it allocates and a finalizer frees or
 * resizes one of the buffers. */
void keeps_move(lua_State *L, int to_owner, void *to, int from_owner, const void *from, size_t n);

/* keeps_take looks at n bytes that a C function wrote into the owner's memory: pointers to, or from, the memory of the
 * values at indexes first … last, which it was given, are kept as those are. */
void keeps_take(lua_State *L, int owner, char *data, size_t n, int first, int last);

#endif
