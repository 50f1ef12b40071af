/* Sockets that are read and connected streams that are written past LuaSocket; for our methods only. */
#ifndef GILUA_RUNTIME_SOCKET_STREAM_H
#define GILUA_RUNTIME_SOCKET_STREAM_H

#include <sys/socket.h>

#include "runtime/socket/sock.h"

/* What a read or write ends with: 0, an errno, or one of these. */
enum { STREAM_LATE = -1, STREAM_CLOSED = -2 };

/* stream_words is LuaSocket's message for it. */
const char *stream_words(int err);

/* stream_read reads up to n bytes of the stream at index 1 into `bytes`, memory that stays meanwhile, and waits for the first one
 * as the timeouts of a call that began at `begun` allow; *got becomes how many. Raises what was requested. */
int stream_read(lua_State *L, Sock *s, char *bytes, size_t n, size_t *got, int64_t begun);

/* stream_read_datagram is the same for the next datagram of a datagram socket, empty ones, too, and who sent it: *from_size is the room
 * there, and becomes what is used. */
int stream_read_datagram(lua_State *L, Sock *s, char *bytes, size_t n, size_t *got, struct sockaddr_storage *from,
                         socklen_t *from_size, int64_t begun);

/* stream_write sends n bytes; *sent becomes how many went. A send over a loopback does the work of the other end, too. */
int stream_write(lua_State *L, Sock *s, const char *bytes, size_t n, size_t *sent, int64_t begun);

/* stream_write_datagram sends one to the address: 0, or an errno; EAGAIN: there is no room now. */
int stream_write_datagram(lua_State *L, Sock *s, const char *bytes, size_t n, const struct sockaddr *to, socklen_t to_size);

/* stream_lend makes the descriptor one that never blocks, for whoever gets to know it. */
void stream_lend(lua_State *L, Sock *s);

/* The methods receive and send of streams; those of LuaSec whose SSL is ours to use have the same. */
int stream_receive(lua_State *L);
int stream_send(lua_State *L);

#endif
