/* gilua.socket: LuaSocket, whose objects wait without the interpreter lock.
 *
 * LuaSocket's own calls run under the lock and are told never to wait (their timeout is 0); what they could not do at once
 * is tried again when blocking_wait_fd says that the descriptor is ready. So results and messages are LuaSocket's, and a
 * request ends every wait. Connected streams are read and written past it, without the lock: stream.h. The methods are replaced in LuaSocket's own classes:
 * its Lua modules (http, ftp, smtp) wait in the same way.
 */
#ifndef GILUA_RUNTIME_SOCKET_LIB_SOCKET_H
#define GILUA_RUNTIME_SOCKET_LIB_SOCKET_H

#include <lua.h>

/* lib_socket_open loads LuaSocket and makes the module; an error names the package if it is not there. */
int lib_socket_open(lua_State *L);

/* lib_socket_confine makes the module, with all its parts, for scripts that will find no files and must not reach the
 * host's descriptors: no object has setfd any more. Nothing happens without LuaSocket. Called protected. */
void lib_socket_confine(lua_State *L);

#endif
