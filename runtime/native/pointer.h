/* Pointers to C values, as Lua sees them, and the way of values between Lua and C memory.
 *
 * A pointer knows what it points at, how many elements there are (if that is known) and what keeps them alive: itself
 * (memory made by ctypes.new), another pointer, a buffer, or nobody (what C returned).
 */
#ifndef GILUA_RUNTIME_NATIVE_POINTER_H
#define GILUA_RUNTIME_NATIVE_POINTER_H

#include "runtime/native/buffer.h"
#include "runtime/native/ctype.h"

typedef struct Pointer {
  ObjectHead head;
  const CType *type; /* [i] of the elements */
  char *address;     /* [i] never NULL: that is nil */
  size_t count;      /* [i] elements from here on; POINTER_UNKNOWN: C did not say */
  size_t before;     /* [i] elements of the same array before this one, if count is known */
} Pointer;

#define POINTER_UNKNOWN SIZE_MAX

/* User values: the type; what keeps the memory alive, or nil; what is stored there (keeps.h), or nil */
enum { POINTER_TYPE = 1, POINTER_OWNER, POINTER_KEEPS };

extern const ObjectType pointer_type;

/* pointer_open makes the metatable; once a state. */
void pointer_open(lua_State *L);

/* pointer_new pushes a pointer to n new, zeroed elements. */
Pointer *pointer_new(lua_State *L, const CType *type, size_t n);

/* pointer_push pushes a pointer to elements at an address, which the value at stack index owner (0: none) keeps alive;
 * nil for NULL. */
void pointer_push(lua_State *L, const CType *type, void *address, size_t count, int owner);

static inline Pointer *pointer_test(lua_State *L, int i) { return object_test(L, i, &pointer_type); }

/* value_push pushes the value of that type at an address; structs and arrays become pointers into the memory that
 * `owner` (a stack index, or 0) keeps alive. */
void value_push(lua_State *L, const CType *type, void *address, int owner);

/* value_store writes the value at stack index v to an address as that type. Returns NULL, or why it cannot, which may
 * be on the stack. owner (or 0) is the pointer that the memory belongs to: it then keeps what is stored. */
const char *value_store(lua_State *L, const CType *type, void *address, int v, int owner);

/* value_address finds the address that the value at stack index v is as a parameter of a pointer type; a buffer that
 * the address is of is put into *buffer, to be pinned by the caller. Returns NULL, or why it is none. */
const char *value_address(lua_State *L, const CType *type, int v, void **address, Buffer **buffer);

#endif
