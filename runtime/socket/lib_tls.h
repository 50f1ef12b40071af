/* LuaSec over gilua.socket: its own results; what works on an SSL leaves the lock where nothing in its context calls Lua. */
#ifndef GILUA_RUNTIME_SOCKET_LIB_TLS_H
#define GILUA_RUNTIME_SOCKET_LIB_TLS_H

#include <lauxlib.h>

/* lib_tls_prepare sees to it that LuaSec's modules are ours to see when they are loaded, now if they are there. Contexts of before
 * that keep the lock. */
void lib_tls_prepare(lua_State *L);

#endif
