/* Bytecode of a function. */
#ifndef GILUA_POOL_PICKLE_BYTECODE_H
#define GILUA_POOL_PICKLE_BYTECODE_H

#include <lua.h>

#include "pool/pickle/bytes.h"

/* bytecode_dump puts the bytecode of the Lua function on top of the stack into *out, in the place of what is there. A chunk that
 * load made without a name is named by its whole text: instead of a long one its short form goes along, as error messages have
 * it. False without memory. Needs the lock. */
bool bytecode_dump(lua_State *L, Bytes *out);

#endif
