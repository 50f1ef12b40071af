/* Buffers as C code uses them: pins, memory of others, views, conversions. */
#include "runtime/native/buffer.h"

#include <criterion/criterion.h>
#include <lauxlib.h>
#include <stdint.h>
#include <stdlib.h>

static lua_State *open_state(void) {
  lua_State *L = luaL_newstate();
  cr_assert_not_null(L);
  buffer_open(L);
  return L;
}

static void note_release(void *owner, void *data, size_t nbytes) {
  (void)data;
  *(size_t *)owner += nbytes;
}

Test(buffer, a_pinned_buffer_is_neither_freed_nor_resized) {
  lua_State *L = open_state();
  Buffer *b = buffer_new(L, BUFFER_F64, 10);
  double *data = buffer_pin(b);
  cr_assert_eq(buffer_pin(b), data);
  cr_assert_not_null(buffer_free(L, b));
  cr_assert_not_null(buffer_resize(L, b, 20));
  buffer_unpin(b);
  cr_assert_not_null(buffer_free(L, b));
  buffer_unpin(b);
  cr_assert_null(buffer_resize(L, b, 20));
  cr_assert_eq(b->length, 20);
  cr_assert_null(buffer_free(L, b));
  cr_assert_null(buffer_free(L, b));
  lua_close(L);
}

Test(buffer, foreign_memory_is_given_back_once) {
  static int32_t memory[4];
  size_t released = 0;
  lua_State *L = open_state();
  Buffer *b = buffer_adopt(L, BUFFER_I32, 4, memory, note_release, &released);
  cr_assert_not_null(buffer_resize(L, b, 5));
  cr_assert_null(buffer_free(L, b));
  cr_assert_eq(released, sizeof memory);
  buffer_adopt(L, BUFFER_I32, 4, memory, note_release, &released);
  lua_close(L);
  cr_assert_eq(released, 2 * sizeof memory);
}

Test(buffer, memory_from_malloc_is_taken_over) {
  lua_State *L = open_state();
  uint8_t *data = malloc(3);
  Buffer *b = buffer_adopt_malloc(L, BUFFER_U8, 3, data);
  data[2] = 9;
  cr_assert_null(buffer_resize(L, b, 300));
  cr_assert_eq(((uint8_t *)b->data)[2], 9);
  cr_assert_eq(((uint8_t *)b->data)[299], 0);
  lua_close(L);
}

Test(buffer, a_view_pins_what_it_looks_into) {
  lua_State *L = open_state();
  Buffer *b = buffer_new(L, BUFFER_I64, 8);
  Buffer *v = buffer_view(L, -1, 3, 2);
  cr_assert_eq(v->data, (int64_t *)b->data + 3);
  cr_assert_eq(b->pins, 1);
  cr_assert_null(buffer_free(L, v));
  cr_assert_eq(b->pins, 0);
  buffer_view(L, 1, 0, 8);
  lua_remove(L, 1);
  lua_gc(L, LUA_GCCOLLECT);
  lua_close(L); /* the view keeps its buffer: nothing is used after it was freed */
}

Test(buffer, a_light_userdata_is_no_buffer) {
  lua_State *L = open_state();
  lua_pushlightuserdata(L, (void *)8);
  cr_assert_null(buffer_test(L, -1));
  lua_close(L);
}

Test(buffer, conversions_refuse_what_does_not_fit) {
  const double reals[] = {1, 255, 256, 0.5, 0x1p63};
  uint8_t bytes[4];
  int64_t integers[4];
  float floats[2];
  cr_assert(buffer_convert(bytes, BUFFER_U8, reals, BUFFER_F64, 2));
  cr_assert_eq(bytes[1], 255);
  cr_assert_not(buffer_convert(bytes, BUFFER_U8, reals, BUFFER_F64, 3));
  cr_assert(buffer_convert(integers, BUFFER_I64, reals, BUFFER_F64, 3));
  cr_assert_not(buffer_convert(integers, BUFFER_I64, reals + 3, BUFFER_F64, 1));
  cr_assert_not(buffer_convert(integers, BUFFER_I64, reals + 4, BUFFER_F64, 1));
  cr_assert(buffer_convert(floats, BUFFER_F32, bytes, BUFFER_U8, 2));
  cr_assert_float_eq(floats[1], 255.0f, 0.0f);
}
