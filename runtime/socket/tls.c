/* OpenSSL without the lock. Its types and numbers are those of openssl/ssl.h, which is no part of the build here: since 1.1.0 they
 * are what they are. */
#include "runtime/socket/tls.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>

enum { ERROR_SSL = 1, ERROR_WANT_READ, ERROR_WANT_WRITE, ERROR_SYSCALL = 5, ERROR_ZERO_RETURN, CTRL_READ_AHEAD = 41, RECORD = 16384,
       RECORDS = 16 };

/* Found once, by whoever loads LuaSec first, with the lock of its runtime; the last member says that the others are there. */
static struct {
  void *(*new)(void *ctx);
  void (*free)(void *ssl);
  int (*do_handshake)(void *ssl);
  int (*read)(void *ssl, void *bytes, int n);
  int (*write)(void *ssl, const void *bytes, int n);
  int (*get_error)(const void *ssl, int result);
  int (*has_pending)(const void *ssl);
  long (*ctrl)(void *ssl, int cmd, long n, void *p);
  void (*set_accept_state)(void *ssl);
  void (*set_connect_state)(void *ssl);
  void *(*ctx_get_ex_data)(const void *ctx, int i);
  void (*clear_error)(void);
  unsigned long (*first_error)(void);
  const char *(*reason)(unsigned long error);
  atomic_bool loaded;
} ossl; /* release after the others, acquired by who uses them; runtimes may load at the same time: they store the same */

bool tls_load(const char *path) {
  void *lib = dlopen(path, RTLD_LAZY | RTLD_NOLOAD);
  if (lib == NULL) return false;
  const struct {
    const char *name;
    void *place;
  } all[] = {{"SSL_new", &ossl.new},
             {"SSL_free", &ossl.free},
             {"SSL_do_handshake", &ossl.do_handshake},
             {"SSL_read", &ossl.read},
             {"SSL_write", &ossl.write},
             {"SSL_get_error", &ossl.get_error},
             {"SSL_has_pending", &ossl.has_pending},
             {"SSL_ctrl", &ossl.ctrl},
             {"SSL_set_accept_state", &ossl.set_accept_state},
             {"SSL_set_connect_state", &ossl.set_connect_state},
             {"SSL_CTX_get_ex_data", &ossl.ctx_get_ex_data},
             {"ERR_clear_error", &ossl.clear_error},
             {"ERR_get_error", &ossl.first_error},
             {"ERR_reason_error_string", &ossl.reason}};
  bool found = true;
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
    void *f = dlsym(lib, all[i].name);
    found = found && f != NULL;
    if (f != NULL) *(void **)all[i].place = f;
  }
  if (found) atomic_store_explicit(&ossl.loaded, true, memory_order_release);
  return found;
}

/* LuaSec's context begins with OpenSSL's, which it tells its own address. */
void *tls_new(void *luasec_context, bool server) {
  if (!atomic_load_explicit(&ossl.loaded, memory_order_acquire)) return NULL;
  void *ctx = *(void **)luasec_context;
  if (ctx == NULL || ossl.ctx_get_ex_data(ctx, 0) != luasec_context) return NULL;
  ossl.clear_error();
  void *ssl = ossl.new(ctx);
  if (ssl == NULL) return NULL;
  ossl.ctrl(ssl, CTRL_READ_AHEAD, 1, NULL); /* a record costs one read instead of two */
  (server ? ossl.set_accept_state : ossl.set_connect_state)(ssl);
  return ssl;
}

void tls_release(void *ssl) { ossl.free(ssl); }

void tls_enter(lua_State *L, Tls *t) {
  Tstate *ts = park_self(L);
  if (t->pid != ts->rt->gil.pid) { /* a forked child has none of the threads that were in it */
    t->pid = ts->rt->gil.pid;
    t->busy = false;
    t->turn = (Waitq){0};
  }
  while (t->busy) park_check(L, ts, park(ts, &t->turn, CLOCK_NEVER, "tls", t));
  t->busy = true;
}

void tls_leave(lua_State *L, Tls *t) {
  t->busy = false;
  park_grant_first(park_self(L), &t->turn, false);
}

typedef enum Act { SHAKE, READ, WRITE } Act;

typedef struct Step {
  Act act;
  char *bytes;
  size_t n, done;
} Step;

static int once(void *ssl, Step *step) {
  size_t left = step->n - step->done;
  int n = left < INT_MAX ? (int)left : INT_MAX;
  ossl.clear_error();
  switch (step->act) {
    case SHAKE: return ossl.do_handshake(ssl);
    case READ: return ossl.read(ssl, step->bytes + step->done, n);
    default: return ossl.write(ssl, step->bytes + step->done, n < RECORD ? n : RECORD);
  }
}

/* What ended the step. Without the lock, on the thread that did it: its queue of errors. */
static int judge(Tls *t, int result, int saved) {
  switch (ossl.get_error(t->ssl, result)) {
    case 0: return 0;
    case ERROR_WANT_READ: return TLS_WANTS_READ;
    case ERROR_WANT_WRITE: return TLS_WANTS_WRITE;
    case ERROR_ZERO_RETURN: return STREAM_CLOSED;
    case ERROR_SYSCALL: {
      unsigned long error = ossl.first_error();
      t->why = error != 0 ? ossl.reason(error) : NULL;
      return error != 0 ? TLS_FAILED : result == 0 || saved == 0 ? STREAM_CLOSED : saved;
    }
    default: t->why = ossl.reason(ossl.first_error()); return TLS_FAILED;
  }
}

/* Does as much as goes at once, some records at most. */
static int step_outside(lua_State *L, Sock *s, Step *step) {
  static const char *const names[] = {"tls handshake", "tls read", "tls write"};
  Tls *t = s->ssl;
  Tstate *ts = park_self(L);
  int err = 0;
  tls_enter(L, t);
  if (s->closing || t->closed) {
    tls_leave(L, t);
    return STREAM_CLOSED;
  }
  s->waiting++;
  bool keeps = t->context->calls_lua;
  if (!keeps) blocking_begin(ts, names[step->act]);
  for (int i = 0; i < RECORDS; i++) {
    int result = once(t->ssl, step);
    err = judge(t, result, errno);
    if (err != 0 || step->act == SHAKE) break;
    step->done += (size_t)result;
    if (step->done == step->n || step->act == READ) break;
  }
  if (!keeps) blocking_end(ts);
  sock_let_go(ts, s);
  tls_leave(L, t);
  return err;
}

bool tls_pending(const Tls *t) { return !t->closed && !t->busy && ossl.has_pending(t->ssl) != 0; }

/* Steps and waits until something was read, all was written, the handshake is done. */
static int go_on(lua_State *L, Sock *s, Step *step, int64_t begun) {
  for (;;) {
    int err = step_outside(L, s, step);
    if (step->act == READ && step->done > 0) return 0;
    if (err == 0 && (step->act == SHAKE || step->done == step->n)) return 0;
    if (err == 0) continue;
    if (err != TLS_WANTS_READ && err != TLS_WANTS_WRITE) return err;
    SockWait wait = sock_wait(L, s, err == TLS_WANTS_READ ? POLLIN : POLLOUT, sock_deadline(s, begun));
    if (wait != SOCK_READY) return wait == SOCK_LATE ? err : STREAM_CLOSED;
  }
}

int tls_handshake(lua_State *L, Sock *s, int64_t begun) {
  Step step = {.act = SHAKE};
  int err = go_on(L, s, &step, begun);
  if (err == 0) s->ssl->connected = true;
  return err;
}

/* Most likely nothing is there yet where the last read had to wait. */
static int wait_first(lua_State *L, Sock *s, int64_t begun) {
  enum { AT_ONCE_NS = 3000 };
  int64_t deadline = sock_deadline(s, begun), now = clock_ns();
  if (!s->idles || deadline == 0 || s->ssl->busy || tls_pending(s->ssl)) return 0;
  SockWait wait = sock_wait(L, s, POLLIN, deadline);
  s->idles = clock_ns() - now > AT_ONCE_NS;
  return wait == SOCK_READY ? 0 : wait == SOCK_LATE ? TLS_WANTS_READ : STREAM_CLOSED;
}

int tls_read(lua_State *L, Sock *s, char *bytes, size_t n, size_t *got, int64_t begun) {
  Step step = {.act = READ, .bytes = bytes, .n = n};
  *got = 0;
  if (!s->ssl->connected) return STREAM_CLOSED;
  int64_t first = s->idles ? 0 : clock_ns();
  int err = wait_first(L, s, begun);
  if (err == 0) err = go_on(L, s, &step, begun);
  if (first != 0) s->idles = clock_ns() - first > 100000;
  *got = step.done;
  s->received += (double)step.done;
  return err;
}

int tls_write(lua_State *L, Sock *s, const char *bytes, size_t n, size_t *sent, int64_t begun) {
  Step step = {.act = WRITE, .bytes = (char *)bytes, .n = n}; /* it is only read */
  int err = s->ssl->connected ? go_on(L, s, &step, begun) : STREAM_CLOSED;
  *sent = step.done;
  s->sent += (double)step.done;
  return err;
}

const char *tls_words(const Tls *t, int err) {
  if (err == TLS_WANTS_READ) return "wantread";
  if (err == TLS_WANTS_WRITE) return "wantwrite";
  return err == TLS_FAILED ? t->why != NULL ? t->why : "Unknown SSL error" : stream_words(err);
}
