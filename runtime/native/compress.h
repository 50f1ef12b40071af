/* Compressing and expanding with zlib and zstd, in pieces, into memory that grows. Knows nothing of Lua. */
#ifndef GILUA_RUNTIME_NATIVE_COMPRESS_H
#define GILUA_RUNTIME_NATIVE_COMPRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

typedef struct Zlib {
  __typeof__(deflateInit2_) *deflate_init;
  __typeof__(deflate) *deflate;
  __typeof__(deflateEnd) *deflate_end;
  __typeof__(inflateInit2_) *inflate_init;
  __typeof__(inflate) *inflate;
  __typeof__(inflateEnd) *inflate_end;
} Zlib;

typedef struct Zstd {
  __typeof__(ZSTD_createCCtx) *create_c;
  __typeof__(ZSTD_freeCCtx) *free_c;
  __typeof__(ZSTD_CCtx_setParameter) *set;
  __typeof__(ZSTD_compressStream2) *compress;
  __typeof__(ZSTD_createDCtx) *create_d;
  __typeof__(ZSTD_freeDCtx) *free_d;
  __typeof__(ZSTD_decompressStream) *decompress;
  __typeof__(ZSTD_isError) *is_error;
  __typeof__(ZSTD_getErrorCode) *error_code;
} Zstd;

typedef enum CodecFormat { CODEC_ZLIB, CODEC_GZIP, CODEC_DEFLATE, CODEC_ZSTD } CodecFormat;

typedef enum CodecResult {
  CODEC_OK,
  CODEC_STOPPED,   /* `stopped` said so */
  CODEC_NO_MEMORY,
  CODEC_DAMAGED,   /* not of the format, or broken */
  CODEC_TRUNCATED, /* ends too early */
  CODEC_TRAILING,  /* goes on behind its end */
  CODEC_TOO_LARGE, /* would be longer than the limit */
  CODEC_TOO_WIDE,  /* refers to what lies further behind than the library keeps */
  CODEC_DICTIONARY, /* was compressed with a dictionary */
} CodecResult;

/* Input between two looks at requests; some milliseconds at the slowest level. */
#define CODEC_PIECE ((size_t)128 << 10)

/* One job. */
typedef struct Codec {
  const Zlib *zlib; /* of these the one that the format needs */
  const Zstd *zstd;
  CodecFormat format;
  int level;               /* compressing */
  size_t limit;            /* expanding: the most bytes that may come out */
  bool (*stopped)(const void *arg); /* asked every some hundred KiB */
  const void *arg;
  unsigned char *piece; /* NULL, or CODEC_PIECE bytes that the input is copied to first, because others may write it */
  unsigned char *out; /* what came out, from malloc; the caller's to free, also after a failure */
  size_t length, capacity;
} Codec;

/* codec_compress and codec_expand run the job over n bytes of data. What is expanded may be several gzip members, with
 * zeros between and behind them, or several zstd frames, as their tools write and read them. Any thread; block for as
 * long as the work takes. */
CodecResult codec_compress(Codec *c, const unsigned char *data, size_t n);
CodecResult codec_expand(Codec *c, const unsigned char *data, size_t n);

/* codec_detect tells the format of compressed data by its first bytes; zlib if it is none of the others. */
CodecFormat codec_detect(const unsigned char *data, size_t n);

#endif
