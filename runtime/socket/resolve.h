/* Names of the network, looked up by a thread of its own: the C library's functions can neither be ended nor given a
 * deadline, so who no longer waits leaves them behind.
 *
 * Ownership    a Lookup has two owners, who asked and the helper thread; the last one frees it.
 * Threads      the helper knows no Lua. It writes the answer, then `answered`, then signals `done`;
 *              the asker reads the answer after `answered`.
 */
#ifndef GILUA_RUNTIME_SOCKET_RESOLVE_H
#define GILUA_RUNTIME_SOCKET_RESOLVE_H

#include <stdatomic.h>

#include "runtime/sync/blocking.h"

typedef enum LookupKind {
  LOOKUP_ADDRESSES, /* getaddrinfo: of the family asked for */
  LOOKUP_HOST,      /* gethostbyname, or gethostbyaddr for an address: a name, its aliases, IPv4 addresses */
  LOOKUP_NAMES,     /* getnameinfo of each address of host and service */
} LookupKind;

typedef enum LookupTag { TAG_NAME = 'n', TAG_ALIAS = 'a', TAG_INET = '4', TAG_INET6 = '6', TAG_SERVICE = 's' } LookupTag;

typedef struct Lookup {
  atomic_int refs;
  atomic_bool answered; /* release by the helper, acquire by the asker: a ready descriptor orders nothing by itself */
  LookupKind kind;     /* the question */
  int family;          /* AF_UNSPEC, AF_INET, AF_INET6 */
  int type;            /* SOCK_STREAM, SOCK_DGRAM: not every service is there for both */
  char *host, *service; /* NULL: none */
  int done;            /* eventfd, readable when the answer is there */
  const char *error;   /* the answer: a constant, or NULL */
  char *found;         /* a tag, a text and its end, for each; then a 0 */
  size_t used, room;   /* of found */
} Lookup;

/* lookup_new copies the question; NULL without memory or descriptors. */
Lookup *lookup_new(LookupKind kind, int family, int type, const char *host, const char *service);

/* lookup_run answers it, waiting as park does; the lookup is still the caller's. PARK_GRANTED: error or found are there.
 * Else they must not be looked at. Needs the lock, drops it meanwhile. */
ParkResult lookup_run(Tstate *ts, Lookup *q, int64_t deadline);

/* lookup_free lets go of it. */
void lookup_free(Lookup *q);

#endif
