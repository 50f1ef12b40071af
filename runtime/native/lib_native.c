/* gilua.native: compiled work that leaves the lock, and the typed arrays that it works on. */
#include "runtime/native/lib_native.h"

Bytes native_check_bytes(lua_State *L, int i) {
  Bytes bytes = {0};
  if (buffer_test(L, i) == NULL) {
    if (lua_type(L, i) != LUA_TSTRING) luaL_typeerror(L, i, "string or buffer");
    bytes.data = (const unsigned char *)lua_tolstring(L, i, &bytes.length);
    return bytes;
  }
  bytes.pinned = buffer_check(L, i);
  bytes.data = buffer_pin(bytes.pinned);
  bytes.length = buffer_nbytes(bytes.pinned);
  return bytes;
}

void native_bytes_done(Bytes *bytes) {
  if (bytes->pinned != NULL) buffer_unpin(bytes->pinned);
}

int lib_native_open(lua_State *L) {
  lua_createtable(L, 0, 16);
  lib_buffer_add(L);
  lib_digest_add(L);
  lib_compress_add(L);
  lib_array_add(L);
  lib_experiment_add(L);
  return 1;
}
