/* Tables of options: f{name = value, …}. A field that is not known, or holds what it cannot, is an error that names the
 * field and the function: a misspelled option is never passed over. */
#ifndef GILUA_RUNTIME_STATE_OPTIONS_H
#define GILUA_RUNTIME_STATE_OPTIONS_H

#include <lua.h>
#include <stdbool.h>

/* What a field may hold. */
typedef enum OptionKind {
  OPTION_FLAG,    /* a boolean */
  OPTION_INTEGER, /* from least to most */
  OPTION_NUMBER,  /* above least, up to most; both 0: any */
  OPTION_STRING,  /* or a number, which is made one */
  OPTION_WORD,    /* one of the words */
  OPTION_CALL,    /* a function, or what can be called */
  OPTION_LIST,    /* a table */
} OptionKind;

/* A field that a table of options may have; a list of them ends with a name of NULL. */
typedef struct Option {
  const char *name;
  OptionKind kind;
  lua_Integer least, most;
  const char *const *words; /* end with NULL */
} Option;

/* options_take replaces the last argument, at index i (a table, nil, or nothing), by a table of the caller's own: the fields
 * of it, each as it should be. alone: the field that a number in the place of the table stands for, or NULL.
 * Raises errors that name `what`. */
void options_take(lua_State *L, int i, const char *what, const Option *known, const char *alone);

/* These read a field of a table that options_take has made, or give `otherwise` where it is nil. options_word gives the place of
 * the word, from 0. */
bool options_flag(lua_State *L, int i, const char *name, bool otherwise);
lua_Integer options_integer(lua_State *L, int i, const char *name, lua_Integer otherwise);
lua_Number options_number(lua_State *L, int i, const char *name, lua_Number otherwise);
int options_word(lua_State *L, int i, const char *name, int otherwise);

/* What a list may have. */
enum {
  LIST_HOLES = 1, /* nil as its first element: its border, or `n`, is its length */
  LIST_RAW = 2,   /* its elements in itself only: none by metamethods */
};

/* options_no_list says what is wrong with the table at index i in the place of a list, of which it would be an empty one without a
 * word: it has keys, but no first element. NULL: nothing. `n` is no such key, and a table with a metatable may have
 * elements all the same. */
const char *options_no_list(lua_State *L, int i, int may);

/* options_check_list raises that as an argument error, with `hint` behind it. */
void options_check_list(lua_State *L, int i, int may, const char *hint);

/* options_count is the length of the list of arguments at index i: its field n if that is set, else its border. Raises, where
 * it is none from 0 to most, an error that names `where`, such as "field 'args' to 'Thread'"; NULL: the argument at i. */
int options_count(lua_State *L, int i, const char *where, int most);

#endif
