/* Completion of Lua names at the prompt: globals, and fields of tables that names lead to. */
#ifndef GILUA_INTERP_COMPLETE_H
#define GILUA_INTERP_COMPLETE_H

#include <lua.h>
#include <stddef.h>

typedef enum CompleteResult {
  COMPLETE_NONE,   /* nothing begins so */
  COMPLETE_DONE,   /* *insert is to be put in */
  COMPLETE_LISTED, /* several begin so: they were listed on stdout */
} CompleteResult;

/* complete looks at the word at the end of the n bytes of a line. *insert becomes what can be added to it, malloc'ed,
 * or NULL. Raises nothing and runs no code of the program: fields are looked up by raw accesses, and by the C functions of
 * gilua's own objects. */
CompleteResult complete(lua_State *L, const char *line, size_t n, char **insert);

#endif
