/* The secret that a client and its workers share, and signatures made with it (HMAC-SHA256 of libcrypto). */
#ifndef GILUA_POOL_GEARMAN_TOKEN_H
#define GILUA_POOL_GEARMAN_TOKEN_H

#include <lua.h>

#include "pool/gearman/envelope.h"

enum { TOKEN_LEAST = 16, TOKEN_MOST = 1024 /* bytes of a secret */ };

/* Zero is none: nothing is signed. */
typedef struct Token {
  const void *crypto; /* [i] the functions of libcrypto; as long as the Lua state */
  size_t size;        /* [i] */
  uint8_t secret[TOKEN_MOST];
} Token;

/* token_take makes a token of the string at index i; none for nil. Raises for one that is too short or too long,
 * naming `what`, and where there is no libcrypto. Needs the lock. */
void token_take(lua_State *L, int i, const char *what, Token *out);

/* token_sign writes the signature of the bytes; false when libcrypto fails. token_accepts tells whether the signature
 * is that of the bytes, in a time that does not depend on where they differ. Any thread, with or without the lock. */
bool token_sign(const Token *t, const void *bytes, size_t size, uint8_t out[ENVELOPE_SIGNATURE]);
bool token_accepts(const Token *t, View bytes, View signature);

#endif
