/* A long string of Lua from bytes that come in blocks, without gathering them first. */
#ifndef GILUA_POOL_PROCESS_STREAM_STRING_H
#define GILUA_POOL_PROCESS_STREAM_STRING_H

#include <lua.h>

/* Where the bytes come from. next waits for some and returns at most *n of them; they stay until taken. Neither touches Lua. */
typedef struct StringSource {
  const void *(*next)(void *arg, size_t *n);
  void (*taken)(void *arg, size_t n);
  void *arg;
  size_t left; /* bytes to come */
} StringSource;

/* stream_string pushes the string and returns LUA_OK, or pushes an error and returns its status: LUA_ERRMEM. source->left says
 * how many bytes were not taken. */
int stream_string(lua_State *L, StringSource *source);

#endif
