/* Walks from the globals along "a.b.c" and compares keys. */
#include "interp/complete.h"

#include <ctype.h>
#include <lauxlib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/state/object.h"

enum { LISTED_MAX = 200, LEVELS_MAX = 8 };

typedef struct Word {
  const char *text, *end; /* "a.b.c" */
  const char *last;       /* "c" */
} Word;

/* What candidates have in common. */
typedef struct Search {
  Word word;
  CompleteResult result;
  char *common;  /* malloc'ed: the first key */
  size_t length; /* of what all have in common */
  unsigned count, shown;
} Search;

static bool in_name(char c) { return isalnum((unsigned char)c) || c == '_'; }

static Word word_at_end(const char *line, size_t n) {
  Word w = {.text = line + n, .end = line + n, .last = line + n};
  while (w.text > line && (in_name(w.text[-1]) || w.text[-1] == '.' || w.text[-1] == ':')) w.text--;
  while (w.last > w.text && in_name(w.last[-1])) w.last--;
  return w;
}

/* Pushes what the value on top gets its further fields from: the __index table of its metatable, or the table that a C
 * function there keeps first, as those of gilua's objects do. */
static bool push_index(lua_State *L) {
  if (!lua_getmetatable(L, -1)) return false;
  lua_pushliteral(L, "__index");
  lua_rawget(L, -2);
  return lua_istable(L, -1) || (lua_iscfunction(L, -1) && lua_getupvalue(L, -1, 1) != NULL && lua_istable(L, -1));
}

/* Pushes the field of the value on top that is named by the n bytes at name; no code of the program is run for it. */
static void push_field(lua_State *L, const char *name, size_t n) {
  lua_pushlstring(L, name, n);
  if (object_is_ours(L, -2)) {
    lua_gettable(L, -2);
    return;
  }
  if (lua_istable(L, -2)) {
    lua_rawget(L, -2);
    if (!lua_isnil(L, -1)) return;
  }
  lua_pop(L, 1);
  if (!push_index(L)) {
    lua_pushnil(L);
    return;
  }
  lua_pushlstring(L, name, n);
  lua_rawget(L, -2);
}

/* Pushes the value that what precedes the last name leads to. */
static bool push_owner(lua_State *L, const Word *w) {
  lua_pushglobaltable(L);
  for (const char *p = w->text; p < w->last;) {
    const char *end = p;
    while (end < w->last && in_name(*end)) end++;
    if (end == p) return false;
    luaL_checkstack(L, 8, NULL);
    push_field(L, p, (size_t)(end - p));
    p = end + 1;
  }
  return true;
}

/* Compares the key at index -2, a name, with the word. */
static void consider(lua_State *L, Search *s) {
  size_t n, typed = (size_t)(s->word.end - s->word.last);
  if (lua_type(L, -2) != LUA_TSTRING) return;
  const char *key = lua_tolstring(L, -2, &n);
  if (n < typed || memcmp(key, s->word.last, typed) != 0 || n == 0 || isdigit((unsigned char)key[0])) return;
  for (size_t i = 0; i < n; i++)
    if (!in_name(key[i])) return;
  if (s->count++ == 0) {
    s->common = strndup(key, n);
    s->length = s->common != NULL ? n : 0;
  }
  size_t same = 0;
  while (same < s->length && same < n && s->common[same] == key[same]) same++;
  s->length = same;
}

/* Calls f for each key of the value on top, if it is a table. */
static void for_each_key(lua_State *L, void (*f)(lua_State *L, Search *s), Search *s) {
  if (!lua_istable(L, -1)) return;
  for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) f(L, s);
}

/* Calls f for each key of the value on top, for its fields if it is an object of ours, and for what it inherits from. */
static void for_each(lua_State *L, void (*f)(lua_State *L, Search *s), Search *s) {
  int level = 0;
  do {
    luaL_checkstack(L, 8, NULL);
    for_each_key(L, f, s);
    object_push_fields(L, -1);
    for_each_key(L, f, s);
    lua_pop(L, 1);
  } while (++level < LEVELS_MAX && push_index(L));
}

static void show(lua_State *L, Search *s) {
  Search one = {.word = s->word};
  consider(L, &one);
  free(one.common);
  if (one.count > 0 && s->shown++ < LISTED_MAX) printf("%s  ", lua_tostring(L, -2));
}

static int search(lua_State *L) {
  Search *s = lua_touserdata(L, 1);
  if (!push_owner(L, &s->word)) return 0;
  int owner = lua_gettop(L);
  for_each(L, consider, s);
  if (s->count == 0) return 0;
  size_t typed = (size_t)(s->word.end - s->word.last);
  if (s->length > typed) {
    s->result = COMPLETE_DONE;
  } else if (s->count > 1) {
    putchar('\n');
    lua_settop(L, owner);
    for_each(L, show, s);
    puts(s->shown > LISTED_MAX ? "…" : "");
    s->result = COMPLETE_LISTED;
  }
  return 0;
}

CompleteResult complete(lua_State *L, const char *line, size_t n, char **insert) {
  Search s = {.word = word_at_end(line, n)};
  *insert = NULL;
  if (!lua_checkstack(L, 4)) return COMPLETE_NONE;
  lua_pushcfunction(L, search);
  lua_pushlightuserdata(L, &s);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) lua_pop(L, 1);
  if (s.result == COMPLETE_DONE) {
    size_t typed = (size_t)(s.word.end - s.word.last);
    *insert = strndup(s.common + typed, s.length - typed);
  }
  free(s.common);
  return s.result;
}
