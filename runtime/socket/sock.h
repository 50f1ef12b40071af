/* What gilua keeps beside a socket object of LuaSocket: timeouts, waits, who closes. */
#ifndef GILUA_RUNTIME_SOCKET_SOCK_H
#define GILUA_RUNTIME_SOCKET_SOCK_H

#include <lauxlib.h>

#include "runtime/sync/blocking.h"

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

#endif
