/* What gilua_native.h finds in the registry. */
#ifndef GILUA_INTERP_NATIVE_H
#define GILUA_INTERP_NATIVE_H

#include <lua.h>

struct gilua_Buffer;

/* native_offer puts the functions of native modules into L's registry; native_withdraw takes them off. Raise memory errors. */
void native_offer(lua_State *L);
void native_withdraw(lua_State *L);

/* The functions of gilua_native.h about buffers (native_buffer.c). */
int native_buffer_check(lua_State *L, int index, const char *type, struct gilua_Buffer *out);
int native_buffer_pin(lua_State *L, int index);
void native_buffer_unpin(lua_State *L, int index);

#endif
