/* native.sha256(data [, raw = false]) -> 64 hexadecimal digits, or 32 bytes       data: a string or a buffer
 * native.crc32(data [, start = 0]) -> integer                                     start: the result of what came before
 *
 * libcrypto and zlib do the work. From LEAVE bytes on it is done without the lock. */
#include <openssl/evp.h>
#include <zlib.h>

#include "runtime/native/lib_native.h"
#include "runtime/native/library.h"

/* Some 5 us of work: ten times what leaving costs when somebody waits. */
#define LEAVE_SHA256 ((size_t)4 << 10)
#define LEAVE_CRC32 ((size_t)16 << 10)

/* Between two looks at requests: below a millisecond of work. */
#define PIECE ((size_t)256 << 10)

typedef struct Crypto {
  __typeof__(EVP_MD_CTX_new) *ctx_new;
  __typeof__(EVP_MD_CTX_free) *ctx_free;
  __typeof__(EVP_sha256) *sha256;
  __typeof__(EVP_DigestInit_ex) *init;
  __typeof__(EVP_DigestUpdate) *update;
  __typeof__(EVP_DigestFinal_ex) *final;
} Crypto;

static const LibrarySpec crypto_spec = {
    .package = "libssl3",
    .sonames = (const char *const[]){"libcrypto.so.3", NULL},
    .symbols = (const char *const[]){"EVP_MD_CTX_new", "EVP_MD_CTX_free", "EVP_sha256", "EVP_DigestInit_ex",
                                     "EVP_DigestUpdate", "EVP_DigestFinal_ex", NULL},
};

typedef struct Checksum {
  __typeof__(crc32_z) *crc32;
} Checksum;

static const LibrarySpec checksum_spec = {
    .package = "zlib1g",
    .sonames = (const char *const[]){"libz.so.1", NULL},
    .symbols = (const char *const[]){"crc32_z", NULL},
};

/* Returns false when libcrypto fails, which is for want of memory. */
static bool digest(const Crypto *crypto, const Work *work, const Bytes *bytes, unsigned char out[32]) {
  EVP_MD_CTX *ctx = crypto->ctx_new();
  bool ok = ctx != NULL && crypto->init(ctx, crypto->sha256(), NULL);
  for (size_t done = 0, n; ok && done < bytes->length && !work_stopped(work); done += n) {
    n = bytes->length - done < PIECE ? bytes->length - done : PIECE;
    ok = crypto->update(ctx, bytes->data + done, n);
  }
  ok = ok && crypto->final(ctx, out, NULL);
  crypto->ctx_free(ctx);
  return ok;
}

static void push_hex(lua_State *L, const unsigned char *bytes, size_t n) {
  static const char digits[] = "0123456789abcdef";
  char text[64];
  for (size_t i = 0; i < n; i++) {
    text[2 * i] = digits[bytes[i] >> 4];
    text[2 * i + 1] = digits[bytes[i] & 15];
  }
  lua_pushlstring(L, text, 2 * n);
}

static int native_sha256(lua_State *L) {
  const Crypto *crypto = library_load(L, &crypto_spec);
  unsigned char out[32];
  if (!lua_isnoneornil(L, 2)) luaL_checktype(L, 2, LUA_TBOOLEAN);
  Bytes bytes = native_check_bytes(L, 1);
  Work work;
  work_begin(L, &work, "sha256", bytes.length >= LEAVE_SHA256);
  bool ok = digest(crypto, &work, &bytes, out), stopped = work_end(&work);
  native_bytes_done(&bytes);
  if (stopped) return work_raise(L, &work);
  if (!ok) return luaL_error(L, "libcrypto could not compute the digest (not enough memory)");
  if (lua_toboolean(L, 2)) lua_pushlstring(L, (const char *)out, sizeof out);
  else push_hex(L, out, sizeof out);
  return 1;
}

static int native_crc32(lua_State *L) {
  const Checksum *zlib = library_load(L, &checksum_spec);
  lua_Integer start = luaL_optinteger(L, 2, 0);
  luaL_argcheck(L, start >= 0 && start <= UINT32_MAX, 2, "must be a 32-bit checksum");
  unsigned long crc = (unsigned long)start;
  Bytes bytes = native_check_bytes(L, 1);
  Work work;
  work_begin(L, &work, "crc32", bytes.length >= LEAVE_CRC32);
  for (size_t done = 0, n; done < bytes.length && !work_stopped(&work); done += n) {
    n = bytes.length - done < PIECE ? bytes.length - done : PIECE;
    crc = zlib->crc32(crc, bytes.data + done, n);
  }
  bool stopped = work_end(&work);
  native_bytes_done(&bytes);
  if (stopped) return work_raise(L, &work);
  lua_pushinteger(L, (lua_Integer)crc);
  return 1;
}

void lib_digest_add(lua_State *L) {
  static const luaL_Reg funcs[] = {{"crc32", native_crc32}, {"sha256", native_sha256}, {NULL, NULL}};
  luaL_setfuncs(L, funcs, 0);
}
