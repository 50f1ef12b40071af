/* gilua.native: what its binding files share. Each adder puts its functions into the table on top of the stack. */
#ifndef GILUA_RUNTIME_NATIVE_LIB_NATIVE_H
#define GILUA_RUNTIME_NATIVE_LIB_NATIVE_H

#include "runtime/native/buffer.h"
#include "runtime/native/work.h"

void lib_buffer_add(lua_State *L);
void lib_digest_add(lua_State *L);
void lib_compress_add(lua_State *L);
void lib_array_add(lua_State *L);
void lib_experiment_add(lua_State *L);

int lib_native_open(lua_State *L);
int lib_ctypes_open(lua_State *L);

/* native_check_buffer_type reads the name of an element type at index i; a BufferType. */
int native_check_buffer_type(lua_State *L, int i);

/* native_range reads the optional first and last index at i and i + 1, with the meaning that they have in string.sub,
 * for b: *first counts from 0; returns how many elements. */
size_t native_range(lua_State *L, int i, const Buffer *b, size_t *first);

/* A string or a buffer that native code reads: kept by the stack, or pinned. */
typedef struct Bytes {
  const unsigned char *data;
  size_t length;
  Buffer *pinned;
} Bytes;

/* native_check_bytes reads the string or buffer at index i; native_bytes_done unpins it: before anything that may
 * raise. */
Bytes native_check_bytes(lua_State *L, int i);
void native_bytes_done(Bytes *bytes);

#endif
