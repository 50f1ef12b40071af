/* The SSL of a connection of LuaSec, used without the lock.
 *
 * OpenSSL stays LuaSec's: its functions are found in what LuaSec has loaded, and LuaSec owns the SSL. A context is ours to work on
 * without the lock only as long as nothing in it calls Lua: TlsContext says so. One thread at a time is in the SSL: `busy`, as
 * waiting for the descriptor is not; who finds it busy parks in `turn`.
 */
#ifndef GILUA_RUNTIME_SOCKET_TLS_H
#define GILUA_RUNTIME_SOCKET_TLS_H

#include "runtime/socket/stream.h"

/* Beside those of stream.h. */
enum { TLS_WANTS_READ = -3, TLS_WANTS_WRITE = -4, TLS_FAILED = -5 };

typedef struct TlsContext {
  bool server, client; /* [G] what setmode said */
  bool calls_lua;      /* [G] callbacks are set: all that may call them keeps the lock */
} TlsContext;

typedef struct Tls {
  void *ssl;           /* [i] OpenSSL's, of which LuaSec has the reference */
  TlsContext *context; /* [i] the user value of this */
  bool connected;      /* [G] the handshake is done */
  bool closed;         /* [G] ssl is gone */
  bool busy;           /* [G] a thread is in ssl */
  const char *why;     /* [G] after TLS_FAILED: the reason, a constant */
  Waitq turn;          /* [G] who waits for `busy` */
  pid_t pid;           /* [G] whose threads these are */
} Tls;

/* tls_load finds OpenSSL's functions in the library of LuaSec's at path; false: not all are there. */
bool tls_load(const char *path);

/* tls_new makes the SSL of a context of LuaSec (its userdata), NULL if that is not as we know it, or without memory. */
void *tls_new(void *luasec_context, bool server);

/* tls_release drops a reference. */
void tls_release(void *ssl);

/* tls_enter waits until nobody is in the SSL, and lets the calling thread in: for calls of LuaSec. Raises what was requested. */
void tls_enter(lua_State *L, Tls *t);

/* tls_leave lets the next one in. */
void tls_leave(lua_State *L, Tls *t);

/* tls_handshake, tls_read and tls_write are for the connection at index 1, as stream_read and stream_write. They return 0, an
 * errno, or one of the constants above and of stream.h; TLS_WANTS_…, too, if it is late. */
int tls_handshake(lua_State *L, Sock *s, int64_t begun);
int tls_read(lua_State *L, Sock *s, char *bytes, size_t n, size_t *got, int64_t begun);
int tls_write(lua_State *L, Sock *s, const char *bytes, size_t n, size_t *sent, int64_t begun);

/* tls_pending tells whether something was read that is not decrypted, or not asked for, yet. */
bool tls_pending(const Tls *t);

/* tls_words is LuaSec's message for an error of these. */
const char *tls_words(const Tls *t, int err);

#endif
