/* native.compress(data [, {format = "zlib", level =, buffer = false}]) -> string, or a u8 buffer
 * native.decompress(data [, {format = by its first bytes, max_size = 1 GiB, buffer = false}]) -> string, or a u8 buffer
 *
 * data: a string or a buffer. Formats: zlib gzip deflate zstd. */
#include <stdlib.h>
#include <string.h>

#include "runtime/native/compress.h"
#include "runtime/native/lib_native.h"
#include "runtime/native/library.h"
#include "runtime/state/options.h"

/* Compressing this much takes some 20 us. */
#define LEAVE ((size_t)1 << 10)
#define DEFAULT_MAX_SIZE ((lua_Integer)1 << 30)

static const char *const formats[] = {"zlib", "gzip", "deflate", "zstd", NULL};

static const LibrarySpec zlib_spec = {
    .package = "zlib1g",
    .sonames = (const char *const[]){"libz.so.1", NULL},
    .symbols = (const char *const[]){"deflateInit2_", "deflate", "deflateEnd", "inflateInit2_", "inflate", "inflateEnd",
                                     NULL},
};

static const LibrarySpec zstd_spec = {
    .package = "libzstd1",
    .sonames = (const char *const[]){"libzstd.so.1", NULL},
    .symbols = (const char *const[]){"ZSTD_createCCtx", "ZSTD_freeCCtx", "ZSTD_CCtx_setParameter",
                                     "ZSTD_compressStream2",
                                     "ZSTD_createDCtx", "ZSTD_freeDCtx", "ZSTD_decompressStream", "ZSTD_isError",
                                     "ZSTD_getErrorCode", NULL},
};

static bool stopped(const void *work) { return work_stopped(work); }

static void load_library(lua_State *L, Codec *c) {
  if (c->format == CODEC_ZSTD) c->zstd = library_load(L, &zstd_spec);
  else c->zlib = library_load(L, &zlib_spec);
}

/* Raises what went wrong. */
static int fail(lua_State *L, const Codec *c, CodecResult result, const char *what) {
  const char *format = formats[c->format];
  switch (result) {
    case CODEC_DAMAGED: return luaL_error(L, "%s: the data is damaged, or not in the format %s", what, format);
    case CODEC_TRUNCATED: return luaL_error(L, "%s: the %s data ends too early", what, format);
    case CODEC_TRAILING: return luaL_error(L, "%s: other data follows the end of the %s data", what, format);
    case CODEC_TOO_LARGE:
      return luaL_error(L, "%s: more than max_size = %I bytes would come out", what, (LUAI_UACINT)c->limit);
    case CODEC_TOO_WIDE:
      return luaL_error(L, "%s: the %s data needs a window of more than 128 MiB: compress it without --long", what,
                        format);
    case CODEC_DICTIONARY:
      return luaL_error(L, "%s: the %s data needs the dictionary that it was made with", what, format);
    default: return luaL_error(L, "%s: not enough memory", what);
  }
}

/* push_output(job, as buffer): protected, because it may raise while the output is still to be freed. */
static int push_output(lua_State *L) {
  Codec *c = lua_touserdata(L, 1);
  if (!lua_toboolean(L, 2)) {
    lua_pushlstring(L, (const char *)c->out, c->length);
    return 1;
  }
  unsigned char *fit = c->length == 0 ? NULL : realloc(c->out, c->length);
  if (fit != NULL) c->out = fit;
  buffer_adopt_malloc(L, BUFFER_U8, c->length, c->out);
  c->out = NULL;
  return 1;
}

static int run(lua_State *L, Codec *c, CodecResult (*job)(Codec *, const unsigned char *, size_t), const char *what) {
  bool as_buffer = options_flag(L, 2, "buffer", false);
  Bytes bytes = native_check_bytes(L, 1);
  Work work;
  c->stopped = stopped;
  c->arg = &work;
  bool copies = bytes.pinned != NULL && bytes.length > 0;
  if (copies) c->piece = malloc(bytes.length < CODEC_PIECE ? bytes.length : CODEC_PIECE);
  work_begin(L, &work, what, bytes.length >= LEAVE);
  CodecResult result = copies && c->piece == NULL ? CODEC_NO_MEMORY : job(c, bytes.data, bytes.length);
  bool was_stopped = work_end(&work);
  native_bytes_done(&bytes);
  free(c->piece);
  if (was_stopped || result != CODEC_OK) {
    free(c->out);
    return was_stopped ? work_raise(L, &work) : fail(L, c, result, what);
  }
  lua_pushcfunction(L, push_output);
  lua_pushlightuserdata(L, c);
  lua_pushboolean(L, as_buffer);
  int status = lua_pcall(L, 2, 1, 0);
  free(c->out);
  return status == LUA_OK ? 1 : lua_error(L);
}

static int native_compress(lua_State *L) {
  static const Option known[] = {{"format", OPTION_WORD, 0, 0, formats},
                                 {"level", OPTION_INTEGER, -100, 22, NULL},
                                 {"buffer", OPTION_FLAG, 0, 0, NULL},
                                 {NULL, OPTION_FLAG, 0, 0, NULL}};
  options_take(L, 2, "compress", known, NULL);
  Codec c = {.format = (CodecFormat)options_word(L, 2, "format", CODEC_ZLIB)};
  c.level = (int)options_integer(L, 2, "level", c.format == CODEC_ZSTD ? 3 : 6);
  if (c.format != CODEC_ZSTD && (c.level < 0 || c.level > 9))
    luaL_error(L, "bad field 'level' to 'compress' (must be an integer from 0 to 9 in the format %s)", formats[c.format]);
  load_library(L, &c);
  return run(L, &c, codec_compress, "compress");
}

static int native_decompress(lua_State *L) {
  static const Option known[] = {{"format", OPTION_WORD, 0, 0, formats},
                                 {"max_size", OPTION_INTEGER, 0, PTRDIFF_MAX - 1, NULL},
                                 {"buffer", OPTION_FLAG, 0, 0, NULL},
                                 {NULL, OPTION_FLAG, 0, 0, NULL}};
  options_take(L, 2, "decompress", known, NULL);
  int format = options_word(L, 2, "format", -1);
  Codec c = {.limit = (size_t)options_integer(L, 2, "max_size", DEFAULT_MAX_SIZE)};
  if (format < 0) {
    Bytes bytes = native_check_bytes(L, 1);
    c.format = codec_detect(bytes.data, bytes.length);
    native_bytes_done(&bytes);
  } else {
    c.format = (CodecFormat)format;
  }
  load_library(L, &c);
  return run(L, &c, codec_expand, "decompress");
}

void lib_compress_add(lua_State *L) {
  static const luaL_Reg funcs[] = {{"compress", native_compress}, {"decompress", native_decompress}, {NULL, NULL}};
  luaL_setfuncs(L, funcs, 0);
}
