/* The parts that gilua.socket is put together from, one in each lib_ file. */
#ifndef GILUA_RUNTIME_SOCKET_LIB_PARTS_H
#define GILUA_RUNTIME_SOCKET_LIB_PARTS_H

#include "runtime/socket/sock.h"

/* sock_wrap replaces the methods of the LuaSocket class `name`, if there is one and it was not done. */
void sock_wrap(lua_State *L, const char *name);

/* The methods of connected streams. */
extern const luaL_Reg stream_methods[], datagram_methods[];

/* send, sendto of a datagram socket by LuaSocket, which may make its descriptor first */
int sock_send_datagram(lua_State *L);

/* The methods connect, bind, setpeername and setsockname; upvalues as in lib_method.c. */
int sock_to_host(lua_State *L);

/* connect(path) of a unix stream: a full backlog cannot be waited for, only tried again. */
int sock_unix_connect(lua_State *L);

/* socket.connect; upvalue: LuaSocket's table. */
int lib_connect(lua_State *L);

/* socket.select */
int lib_select(lua_State *L);

/* dns_replace replaces the functions of the table at the top of the stack: socket.dns. */
void dns_replace(lua_State *L);

/* dns_addresses pushes a table of the addresses that a name stands for (NULL: this machine), or the host itself if it is an
 * address or "*"; or nil and a message, also if there is no such service for sockets of that type. Returns how many values. */
int dns_addresses(lua_State *L, const char *host, const char *service, int family, int type, int64_t deadline);

#endif
