/* What gilua_native.h finds in the registry. */
#ifndef GILUA_INTERP_NATIVE_H
#define GILUA_INTERP_NATIVE_H

#include <lua.h>

/* native_offer puts the functions of native modules into L's registry; native_withdraw takes them off. Raise memory
 * errors. */
void native_offer(lua_State *L);
void native_withdraw(lua_State *L);

#endif
