/* gilua.socket: LuaSocket, whose objects wait without the interpreter lock.
 *
 * LuaSocket's own calls run under the lock and are told never to wait (their timeout is 0); what they could not do at once
 * is tried again when blocking_wait_fd says that the descriptor is ready. So results and messages are LuaSocket's, and a
 * request ends every wait. Connected streams are read and written past it, without the lock: stream.h. The methods are replaced in LuaSocket's own classes:
 * its Lua modules (http, ftp, smtp) wait in the same way.
 */
#ifndef GILUA_RUNTIME_SOCKET_LIB_SOCKET_H
#define GILUA_RUNTIME_SOCKET_LIB_SOCKET_H

#include <lauxlib.h>

#include "runtime/sync/blocking.h"

/* lib_socket_open loads LuaSocket and makes the module; an error names the package if it is not there. */
int lib_socket_open(lua_State *L);

/* lib_socket_confine makes the module, with all its parts, for scripts that will find no files and must not reach the
 * host's descriptors: no object has setfd any more. Nothing happens without LuaSocket. Called protected. */
void lib_socket_confine(lua_State *L);

/* Upvalues of our methods; FAMILY, LuaSocket's getfd, is another function for tcp, udp and unix sockets. */
#define ORIGINAL lua_upvalueindex(1)  /* LuaSocket's method */
#define ORIGINALS lua_upvalueindex(2) /* all of LuaSocket's methods of the class, by name */
#define FAMILY lua_upvalueindex(3)

/* Its address names the registry table {connection of LuaSec -> Tls}, weak: tls.h. */
extern const char sock_tls_key;

/* What gilua keeps beside a socket object, in its user value. All [G].
 *
 * A socket that other threads wait for is closed in two steps: `closing` and shutdown bring the waiters out, each of whom
 * answers "closed"; the last one grants the closer, who then closes the descriptor. So nobody waits for a number that
 * the system has given away again. */
typedef struct Sock {
  const char *mark;      /* its address says that this is one of ours */
  lua_CFunction family;  /* [i] FAMILY of its class */
  double block, total;   /* what settimeout set; negative: none */
  unsigned waiting;      /* threads in a wait for it */
  bool closing;          /* the descriptor must not be waited for any more */
  const void *waits;     /* the method whose last call had to wait for data: so will the next, and asks first */
  bool tls;              /* [i] LuaSec's */
  struct Tls *ssl;       /* of LuaSec's, to be used without the lock; NULL: LuaSec uses it, with the lock. [i] */
  bool hidden;           /* its descriptor is close-on-exec */
  bool stream;           /* a connected stream, which it stays; the fields up to `sent` are a stream's */
  bool idles;            /* its last read had to wait: so will the next, and waits first */
  bool gushes;           /* its last read was a large one: so will the next */
  bool lent;             /* getfd was called: whoever has the descriptor relies on O_NONBLOCK */
  bool blocks;           /* O_NONBLOCK is off */
  int fd;                /* its descriptor once it was asked for; else -1 */
  int64_t limit;         /* SO_RCVTIMEO in ns, 0: not set by us */
  const char *ahead;     /* read and not asked for yet, a part of the string that is the record's first user value */
  size_t kept;           /* bytes of that */
  double received;       /* bytes received past LuaSocket, which getstats adds */
  bool inet;             /* of a datagram socket: it is for IPv4, has a descriptor, and is not connected */
  int connected;         /* the family that it was connected with and LuaSocket has not heard of; else 0 */
  int closed_as;         /* the family that it was for when it was closed; AF_UNSPEC, too, while it is open */
  double sent;           /* bytes sent past LuaSocket, which getstats adds */
  Waitq closers;         /* who waits for `waiting` to become 0 */
  pid_t pid;             /* whose threads these are: a forked child begins anew */
} Sock;

typedef enum SockWait { SOCK_READY, SOCK_LATE, SOCK_CLOSED } SockWait;

/* sock_of returns the record of the socket object at index 1, made now if there is none; NULL if it is no socket, or none
 * of the method's family: LuaSocket's method tells. It and what has a Sock * for argument is for our methods only. */
Sock *sock_of(lua_State *L);

/* sock_original calls LuaSocket's function at index f with the values from index 1 to n, and returns how many results
 * are on top. An error about an argument becomes one of the calling function: with its name and the position of who called it. */
int sock_original(lua_State *L, int f, int n);

/* sock_family is the family that the object at index 1, of s, is for: AF_INET, AF_INET6, or AF_UNSPEC where it is open. */
int sock_family(lua_State *L, const Sock *s);
/* sock_number is the descriptor of the object at that index, whatever it is: -1 if it has none. Nothing is lent. */
int sock_number(lua_State *L, int object);

/* sock_hide makes the descriptor of the object at that index, if it has one, close-on-exec: a command that another thread starts
 * must not keep a connection open. */
void sock_hide(lua_State *L, int object);

/* sock_deadline is when a wait of a call that began at `begun` (clock_ns) has to end, 0: it must not wait. As
 * LuaSocket has it, the total timeout is for the call; the other one, too, unless both are set: then it is for each wait. */
int64_t sock_deadline(const Sock *s, int64_t begun);

/* sock_deadline_in is that of a wait of so many seconds from now on; CLOCK_NEVER if negative, not a number or too many. */
int64_t sock_deadline_in(double seconds);

/* sock_descriptor is the descriptor of the connected stream at index 1, -1 without one. */
int sock_descriptor(lua_State *L, Sock *s);

/* sock_forget_descriptor is called when it may have become another one. */
void sock_forget_descriptor(Sock *s);

/* sock_let_go: one thread less uses the descriptor (`waiting`); the last one lets who closes go on. */
void sock_let_go(Tstate *ts, Sock *s);

/* sock_wait_first waits before a read that most likely would be in vain, where the last call of `method` had to wait: that
 * saves the read in vain. As sock_wait, but SOCK_READY at once where it is not so. */
SockWait sock_wait_first(lua_State *L, Sock *s, const void *method, int64_t deadline);

/* sock_wait waits for the object at index 1; deadline 0: only looks. Raises what was requested. */
SockWait sock_wait(lua_State *L, Sock *s, short events, int64_t deadline);

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
