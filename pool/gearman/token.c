/* Signatures by libcrypto, which is loaded where there is a token. */
#include "pool/gearman/token.h"

#include <lauxlib.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "runtime/native/library.h"

typedef struct Crypto {
  __typeof__(HMAC) *hmac;
  __typeof__(EVP_sha256) *sha256;
} Crypto;

static const LibrarySpec crypto_spec = {
    .package = "libssl3",
    .sonames = (const char *const[]){"libcrypto.so.3", NULL},
    .symbols = (const char *const[]){"HMAC", "EVP_sha256", NULL},
};

void token_take(lua_State *L, int i, const char *what, Token *out) {
  size_t size;
  *out = (Token){0};
  if (lua_isnoneornil(L, i)) return;
  const char *secret = luaL_checklstring(L, i, &size);
  if (size < TOKEN_LEAST || size > TOKEN_MOST)
    luaL_error(L, "bad field 'token' to '%s' (a secret of %d to %d bytes expected, got %d)", what, TOKEN_LEAST,
               TOKEN_MOST, (int)(size < 100000 ? size : 100000));
  out->crypto = library_load(L, &crypto_spec);
  out->size = size;
  memcpy(out->secret, secret, size);
}

bool token_sign(const Token *t, const void *bytes, size_t size, uint8_t out[ENVELOPE_SIGNATURE]) {
  const Crypto *crypto = t->crypto;
  unsigned n = 0;
  return crypto->hmac(crypto->sha256(), t->secret, (int)t->size, bytes, size, out, &n) != NULL &&
         n == ENVELOPE_SIGNATURE;
}

bool token_accepts(const Token *t, View bytes, View signature) {
  uint8_t right[ENVELOPE_SIGNATURE], differs = 0;
  if (signature.size != sizeof right || !token_sign(t, bytes.bytes, bytes.size, right)) return false;
  for (size_t i = 0; i < sizeof right; i++) differs |= right[i] ^ signature.bytes[i];
  return differs == 0;
}
