/* Lua functions as C functions, which C may call on any thread. */
#ifndef GILUA_RUNTIME_NATIVE_CALLBACK_H
#define GILUA_RUNTIME_NATIVE_CALLBACK_H

#include "runtime/native/signature.h"
#include "runtime/state/tstate.h"
#include "runtime/thread/visit.h"

/* A callback lives until it is freed or its state closes: C may keep its address longer than Lua does. */
typedef struct Callback {
  ObjectHead head;
  void *code;           /* [G] what C calls; NULL when freed */
  ffi_closure *closure; /* [G] */
  const Runtime *rt;    /* [i] only to be compared: it goes before the state, where the host detaches it */
  Door *door;           /* [i] */
  uint64_t serial;      /* [i] of the door, which a later runtime may have, at the same address even */
  int function_ref;     /* [G] registry: the Lua function */
  int self_ref;         /* [G] registry: this object */
  unsigned running;     /* [G] calls in progress */
  bool counted;         /* [G] among what may end waits from outside */
  Signature signature;  /* [i] */
} Callback;

extern const ObjectType callback_type;

/* callback_open makes the metatable; once a state. */
void callback_open(lua_State *L);

/* callback_new(f, ret, args) pushes a callback: a lua_CFunction. */
int callback_new(lua_State *L);

#endif
