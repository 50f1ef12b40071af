/* The loops around zlib and zstd: both take pieces of input and fill pieces of output. */
#include "runtime/native/compress.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Output of one step at most: a bomb of a thousand times its input is noticed early. */
#define GROWTH ((size_t)1 << 20)

/* Makes room for more output: doubles it, up to one byte more than the limit, which is how too much is noticed. */
static CodecResult grow(Codec *c) {
  if (c->length < c->capacity) return CODEC_OK;
  size_t most = c->limit == SIZE_MAX ? SIZE_MAX : c->limit + 1;
  if (c->capacity >= most) return CODEC_TOO_LARGE;
  size_t add = c->capacity < 4096 ? 4096 : c->capacity;
  size_t capacity = add > most - c->capacity ? most : c->capacity + add;
  unsigned char *out = realloc(c->out, capacity);
  if (out == NULL) return CODEC_NO_MEMORY;
  c->out = out;
  c->capacity = capacity;
  return CODEC_OK;
}

static size_t room(const Codec *c) { return c->capacity - c->length < GROWTH ? c->capacity - c->length : GROWTH; }

/* The next piece of n bytes of input; *size is how long it is. */
static const unsigned char *next_piece(Codec *c, const unsigned char *data, size_t n, size_t *size) {
  *size = n < CODEC_PIECE ? n : CODEC_PIECE;
  return c->piece == NULL || *size == 0 ? data : memcpy(c->piece, data, *size);
}

static CodecResult result_of(Codec *c, CodecResult result) {
  return result == CODEC_OK && c->length > c->limit ? CODEC_TOO_LARGE : result;
}

static int window_bits(CodecFormat format) {
  return format == CODEC_GZIP ? MAX_WBITS + 16 : format == CODEC_DEFLATE ? -MAX_WBITS : MAX_WBITS;
}

static CodecResult zlib_error(int status) {
  switch (status) {
    case Z_MEM_ERROR: return CODEC_NO_MEMORY;
    case Z_BUF_ERROR: return CODEC_TRUNCATED;
    case Z_NEED_DICT: return CODEC_DICTIONARY;
    default: return CODEC_DAMAGED;
  }
}

/* Runs step (deflate or inflate) over all input; *rest is what the stream left behind its end. */
static CodecResult run_zlib(Codec *c, z_stream *z, int (*step)(z_streamp, int), const unsigned char *data, size_t n,
                            size_t *rest) {
  for (int status = Z_OK; status != Z_STREAM_END;) {
    CodecResult grown = grow(c);
    if (grown != CODEC_OK) return grown;
    size_t in, out = room(c);
    z->next_in = (unsigned char *)next_piece(c, data, n, &in);
    z->avail_in = (unsigned)in;
    z->next_out = c->out + c->length;
    z->avail_out = (unsigned)out;
    status = step(z, in == n ? Z_FINISH : Z_NO_FLUSH);
    data += in - z->avail_in;
    n -= in - z->avail_in;
    c->length += out - z->avail_out;
    if (status == Z_BUF_ERROR && (z->avail_out == 0 || n > 0)) status = Z_OK;
    if (status != Z_OK && status != Z_STREAM_END) return zlib_error(status);
    if (status == Z_OK && n == 0 && z->avail_out > 0) return CODEC_TRUNCATED;
    if (c->stopped(c->arg)) return CODEC_STOPPED;
  }
  *rest = n;
  return CODEC_OK;
}

static CodecResult deflate_all(Codec *c, const unsigned char *data, size_t n) {
  z_stream z = {0};
  size_t rest;
  int status = c->zlib->deflate_init(&z, c->level, Z_DEFLATED, window_bits(c->format), 8, Z_DEFAULT_STRATEGY,
                                     ZLIB_VERSION, (int)sizeof z);
  if (status != Z_OK) return zlib_error(status);
  CodecResult result = run_zlib(c, &z, c->zlib->deflate, data, n, &rest);
  c->zlib->deflate_end(&z);
  return result;
}

/* A gzip file may have several members; zeros that fill up a block of a tape or disk are passed over, as gzip does. */
static CodecResult inflate_all(Codec *c, const unsigned char *data, size_t n) {
  CodecResult result;
  size_t rest = 0;
  do {
    z_stream z = {0};
    int status = c->zlib->inflate_init(&z, window_bits(c->format), ZLIB_VERSION, (int)sizeof z);
    if (status != Z_OK) return zlib_error(status);
    result = run_zlib(c, &z, c->zlib->inflate, data, n, &rest);
    c->zlib->inflate_end(&z);
    data += n - rest;
    if (c->format == CODEC_GZIP)
      for (; rest > 0 && data[0] == 0; rest--) data++;
    n = rest;
  } while (result == CODEC_OK && c->format == CODEC_GZIP && rest > 0 && data[0] == 0x1f);
  return result_of(c, result == CODEC_OK && rest > 0 ? CODEC_TRAILING : result);
}

static CodecResult zstd_compress(Codec *c, const unsigned char *data, size_t n) {
  ZSTD_CCtx *ctx = c->zstd->create_c();
  CodecResult result = ctx == NULL ? CODEC_NO_MEMORY : CODEC_OK;
  if (result == CODEC_OK) {
    c->zstd->set(ctx, ZSTD_c_compressionLevel, c->level);
    c->zstd->set(ctx, ZSTD_c_checksumFlag, 1);
  }
  for (size_t left = 1; left != 0 && result == CODEC_OK;) {
    if ((result = grow(c)) != CODEC_OK) break;
    ZSTD_inBuffer in = {0};
    ZSTD_outBuffer out = {c->out + c->length, room(c), 0};
    in.src = next_piece(c, data, n, &in.size);
    size_t status = c->zstd->compress(ctx, &out, &in, in.size == n ? ZSTD_e_end : ZSTD_e_continue);
    if (c->zstd->is_error(status)) result = CODEC_NO_MEMORY;
    data += in.pos;
    left = in.size == n ? status : 1;
    n -= in.pos;
    c->length += out.pos;
    if (result == CODEC_OK && c->stopped(c->arg)) result = CODEC_STOPPED;
  }
  c->zstd->free_c(ctx);
  return result;
}

static CodecResult zstd_error(const Zstd *zstd, size_t status) {
  switch (zstd->error_code(status)) {
    case ZSTD_error_memory_allocation: return CODEC_NO_MEMORY;
    case ZSTD_error_frameParameter_windowTooLarge: return CODEC_TOO_WIDE;
    case ZSTD_error_dictionary_wrong: return CODEC_DICTIONARY;
    default: return CODEC_DAMAGED;
  }
}

static CodecResult zstd_expand(Codec *c, const unsigned char *data, size_t n) {
  ZSTD_DCtx *ctx = c->zstd->create_d();
  CodecResult result = ctx == NULL ? CODEC_NO_MEMORY : n == 0 ? CODEC_TRUNCATED : CODEC_OK;
  for (size_t status = 1; result == CODEC_OK && (n > 0 || status != 0);) { /* several frames follow one another */
    if ((result = grow(c)) != CODEC_OK) break;
    ZSTD_inBuffer in = {0};
    ZSTD_outBuffer out = {c->out + c->length, room(c), 0};
    in.src = next_piece(c, data, n, &in.size);
    status = c->zstd->decompress(ctx, &out, &in);
    data += in.pos;
    n -= in.pos;
    c->length += out.pos;
    if (c->zstd->is_error(status)) result = zstd_error(c->zstd, status);
    else if (n == 0 && status != 0 && out.pos < out.size) result = CODEC_TRUNCATED;
    else if (c->stopped(c->arg)) result = CODEC_STOPPED;
  }
  c->zstd->free_d(ctx);
  return result_of(c, result);
}

CodecResult codec_compress(Codec *c, const unsigned char *data, size_t n) {
  c->limit = SIZE_MAX;
  return c->format == CODEC_ZSTD ? zstd_compress(c, data, n) : deflate_all(c, data, n);
}

CodecResult codec_expand(Codec *c, const unsigned char *data, size_t n) {
  return c->format == CODEC_ZSTD ? zstd_expand(c, data, n) : inflate_all(c, data, n);
}

CodecFormat codec_detect(const unsigned char *data, size_t n) {
  if (n >= 2 && data[0] == 0x1f && data[1] == 0x8b) return CODEC_GZIP;
  uint32_t magic = n < 4 ? 0 : data[0] | data[1] << 8 | data[2] << 16 | (uint32_t)data[3] << 24;
  if (magic == ZSTD_MAGICNUMBER || (magic & ZSTD_MAGIC_SKIPPABLE_MASK) == ZSTD_MAGIC_SKIPPABLE_START) return CODEC_ZSTD;
  return CODEC_ZLIB;
}
