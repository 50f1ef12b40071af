/* The path to a value that cannot travel, as one would write it in Lua where that is possible. */
#include "pool/pickle/path.h"

#include <ctype.h>
#include <lauxlib.h>
#include <stdio.h>

#include "runtime/state/error.h"

enum { HEAD = 30, TAIL = 10, LONGEST_KEY = 60 };
enum { CHUNK_FUNCTION = 2, CHUNK_BATCH }; /* roots of a chunk */

static void add_string_key(luaL_Buffer *b, const char *s, size_t size) {
  bool name = size > 0 && size <= LONGEST_KEY && !isdigit((unsigned char)s[0]);
  for (size_t i = 0; i < size && name; i++) name = isalnum((unsigned char)s[i]) || s[i] == '_';
  if (name) {
    luaL_addchar(b, '.');
    luaL_addlstring(b, s, size);
    return;
  }
  luaL_addstring(b, "[\"");
  for (size_t i = 0; i < size && i < LONGEST_KEY; i++) {
    char text[8];
    unsigned char c = (unsigned char)s[i];
    snprintf(text, sizeof text, c == '"' || c == '\\' ? "\\%c" : iscntrl(c) ? "\\%03d" : "%c", c);
    luaL_addstring(b, text);
  }
  luaL_addstring(b, size > LONGEST_KEY ? "…\"]" : "\"]");
}

static void add_key(luaL_Buffer *b, lua_State *L, int i) {
  char text[64] = "";
  switch (lua_type(L, i)) {
    case LUA_TSTRING: {
      size_t size;
      const char *s = lua_tolstring(L, i, &size);
      add_string_key(b, s, size);
      return;
    }
    case LUA_TNUMBER:
      if (lua_isinteger(L, i)) snprintf(text, sizeof text, "[%lld]", (long long)lua_tointeger(L, i));
      else snprintf(text, sizeof text, "[%.14g]", lua_tonumber(L, i));
      break;
    case LUA_TBOOLEAN: snprintf(text, sizeof text, "[%s]", lua_toboolean(L, i) ? "true" : "false"); break;
    default: snprintf(text, sizeof text, "[<%s>]", luaL_typename(L, i));
  }
  luaL_addstring(b, text);
}

static void add_table(luaL_Buffer *b, lua_State *L, const WriteFrame *f, int slot) {
  char text[32];
  switch (f->phase) {
    case PHASE_LIST:
    case PHASE_REST:
      snprintf(text, sizeof text, "[%lu]", (unsigned long)f->i);
      luaL_addstring(b, text);
      break;
    case PHASE_PAIRS: add_key(b, L, slot + 1); break;
    case PHASE_KEY: luaL_addstring(b, " key"); break;
    case PHASE_META:
    case PHASE_DONE: luaL_addstring(b, " metatable"); break;
  }
}

static void add_root(luaL_Buffer *b, PickleRoot root, unsigned i) {
  char text[32];
  bool chunk = root == PICKLE_CHUNK || root == PICKLE_SPREAD;
  if (root == PICKLE_VALUE) snprintf(text, sizeof text, "value");
  else if (root == PICKLE_RESULTS) snprintf(text, sizeof text, "results[%u]", i);
  else if (i == (chunk ? CHUNK_FUNCTION : 1)) snprintf(text, sizeof text, "function");
  else if (chunk) snprintf(text, sizeof text, "args");
  else snprintf(text, sizeof text, "args[%u]", i - 1);
  luaL_addstring(b, text);
}

/* Object and key of the frame stand at slot and slot + 1. */
static void add_frame(luaL_Buffer *b, const Writer *w, const WriteFrame *f, int slot, const char *upvalue) {
  char text[32];
  switch (f->kind) {
    case FRAME_ROOTS: add_root(b, w->root, f->i); break;
    case FRAME_TABLE: add_table(b, w->L, f, slot); break;
    case FRAME_FUNCTION:
      luaL_addstring(b, " upvalue \"");
      luaL_addstring(b, upvalue != NULL ? upvalue : "?");
      luaL_addchar(b, '"');
      break;
    case FRAME_REDUCE:
      if (f->i <= 1) snprintf(text, sizeof text, " constructor");
      else snprintf(text, sizeof text, " argument %lu", (unsigned long)f->i - 1);
      luaL_addstring(b, text);
      break;
  }
}

/* Pushes object and key of a frame: from the stack, or from where it was spilled to. */
static void push_frame(Writer *w, int depth) {
  for (int i = 0; i < 2; i++) {
    if (depth < STACK_LEVELS || depth == w->depth) lua_pushvalue(w->L, writer_slot(w, depth) + i);
    else lua_rawgeti(w->L, w->base + SLOT_SPILL, 2 * (lua_Integer)depth + i + 1);
  }
}

/* Pushes the path of the value that is being written. */
static void path_push(Writer *w) {
  lua_State *L = w->L;
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  lua_pushliteral(L, "");
  for (int depth = 0; depth <= w->depth; depth++) {
    if (depth == HEAD && w->depth - depth > TAIL) {
      lua_pushfstring(L, "%s … ", lua_tostring(L, -1));
      lua_remove(L, -2);
      depth = w->depth - TAIL;
    }
    const WriteFrame *f = &w->frames[depth];
    int slot = lua_gettop(L) + 1;
    push_frame(w, depth);
    const char *upvalue = NULL;
    if (f->kind == FRAME_FUNCTION && (upvalue = lua_getupvalue(L, slot, (int)f->i)) != NULL) lua_pop(L, 1);
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    if (depth != 1 || w->root != PICKLE_SPREAD || w->frames[0].i != CHUNK_BATCH) add_frame(&b, w, f, slot, upvalue);
    luaL_pushresult(&b);
    lua_replace(L, slot + 1);
    lua_remove(L, slot);
    lua_concat(L, 2);
  }
}

_Noreturn void writer_refuse(Writer *w, const char *why) {
  lua_State *L = w->L;
  int value = lua_gettop(L);
  const char *type = luaL_typename(L, value), *what = type;
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  if (lua_iscfunction(L, value)) what = "C function";
  if (luaL_getmetafield(L, value, "__name") == LUA_TSTRING) what = lua_tostring(L, -1);
  path_push(w);
  error_push(L, ERROR_PICKLE, "cannot send the %s at %s: %s", what, lua_tostring(L, -1), why);
  lua_pushvalue(L, -2);
  lua_setfield(L, -2, "path");
  lua_pushstring(L, type);
  lua_setfield(L, -2, "type");
  writer_renew(w);
  writer_release(w);
  lua_error(L);
  __builtin_unreachable();
}
