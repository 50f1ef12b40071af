/* Buffers as native modules see them: gilua_buffer_check and its kin. */
#include <string.h>

#include "interp/gilua_native.h"
#include "interp/native.h"
#include "runtime/native/buffer.h"

int native_buffer_check(lua_State *L, int index, const char *type, gilua_Buffer *out) {
  const Buffer *b = buffer_check(L, index);
  const char *name = buffer_type_names[b->type];
  if (type != NULL && strcmp(type, name) != 0)
    return luaL_argerror(L, index, lua_pushfstring(L, "buffer of %s expected, got one of %s", type, name));
  out->data = b->data;
  out->length = b->length;
  out->item_size = buffer_item_sizes[b->type];
  out->type = name;
  return GILUA_OK;
}

int native_buffer_pin(lua_State *L, int index) {
  buffer_pin(buffer_check(L, index));
  return GILUA_OK;
}

void native_buffer_unpin(lua_State *L, int index) {
  Buffer *b = buffer_test(L, index);
  if (b != NULL && b->pins > 0) buffer_unpin(b);
}
