/* native.compress(data [, {format = "zlib", level =, buffer = false}]) -> string, or a u8 buffer
 * native.decompress(data [, {format = by its first bytes, max_size = 1 GiB, buffer = false}]) -> string, or a u8 buffer
 *
 * data: a string or a buffer. Formats: zlib gzip deflate zstd. */
#include <stdlib.h>
#include <string.h>

#include "runtime/native/compress.h"
#include "runtime/native/lib_native.h"
#include "runtime/native/library.h"

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

/* Reads field `name` of the options at index 2, if there are any; an integer between low and high. */
static lua_Integer option(lua_State *L, const char *name, lua_Integer low, lua_Integer high, lua_Integer otherwise) {
  if (lua_isnoneornil(L, 2) || lua_getfield(L, 2, name) == LUA_TNIL) return otherwise;
  int ok;
  lua_Integer value = lua_tointegerx(L, -1, &ok);
  if (!ok || value < low || value > high)
    luaL_error(L, "option '%s' must be an integer from %I to %I", name, (LUAI_UACINT)low, (LUAI_UACINT)high);
  lua_pop(L, 1);
  return value;
}

/* Returns the format that the options name, or -1. */
static int option_format(lua_State *L) {
  if (lua_isnoneornil(L, 2) || lua_getfield(L, 2, "format") == LUA_TNIL) return -1;
  const char *name = lua_tostring(L, -1);
  for (int i = 0; name != NULL && formats[i] != NULL; i++)
    if (strcmp(name, formats[i]) == 0) return i;
  return luaL_error(L, "option 'format' must be zlib, gzip, deflate or zstd");
}

static bool option_buffer(lua_State *L) {
  if (lua_isnoneornil(L, 2)) return false;
  lua_getfield(L, 2, "buffer");
  return lua_toboolean(L, -1);
}

static void check_options(lua_State *L, const char *what, const char *const *fields) {
  if (!lua_isnoneornil(L, 2)) luaL_checktype(L, 2, LUA_TTABLE);
  object_check_fields(L, 2, what, fields);
  lua_settop(L, 2);
}

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
  bool as_buffer = option_buffer(L);
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
  static const char *const fields[] = {"format", "level", "buffer", NULL};
  check_options(L, "compress", fields);
  int format = option_format(L);
  Codec c = {.format = format < 0 ? CODEC_ZLIB : (CodecFormat)format};
  c.level = (int)(c.format == CODEC_ZSTD ? option(L, "level", -100, 22, 3) : option(L, "level", 0, 9, 6));
  load_library(L, &c);
  return run(L, &c, codec_compress, "compress");
}

static int native_decompress(lua_State *L) {
  static const char *const fields[] = {"format", "max_size", "buffer", NULL};
  check_options(L, "decompress", fields);
  int format = option_format(L);
  Codec c = {.limit = (size_t)option(L, "max_size", 0, PTRDIFF_MAX - 1, DEFAULT_MAX_SIZE)};
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
