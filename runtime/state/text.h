/* Strings of Lua as strings of C, which end at the first zero byte: no name, word or path of ours has one, and what C
 * would not see is never passed over. Functions that equal standard ones, or LuaSocket's, cut as those do. */
#ifndef GILUA_RUNTIME_STATE_TEXT_H
#define GILUA_RUNTIME_STATE_TEXT_H

#include <lua.h>
#include <stdbool.h>

/* text_check is the argument at index i, a string or number, as C sees it; an error if that is not all of it. Owned by
 * the stack. */
const char *text_check(lua_State *L, int i);

/* text_opt is the same, or NULL for nil or none. */
const char *text_opt(lua_State *L, int i);

/* text_whole is the string at index i, or NULL if there is another value or C would not see all of it. */
const char *text_whole(lua_State *L, int i);

/* text_push_shown pushes the name, path or other text at index i, a string, as people are shown it (utf8_shown), and returns it. */
const char *text_push_shown(lua_State *L, int i);

/* text_is: whether the value at index i is that word. */
bool text_is(lua_State *L, int i, const char *word);

#endif
