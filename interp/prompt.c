/* Read, run, print: as the prompt of `lua` 5.4, without line editing. */
#include "interp/prompt.h"

#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interp/run.h"

void prompt_banner(void) {
  fputs(LUA_COPYRIGHT "\n", stdout);
  fflush(stdout);
}

/* Pushes the global _PROMPT or _PROMPT2 as text, or the default. */
static const char *push_prompt(lua_State *L, bool first) {
  if (lua_getglobal(L, first ? "_PROMPT" : "_PROMPT2") == LUA_TNIL) return first ? "> " : ">> ";
  const char *text = luaL_tolstring(L, -1, NULL);
  lua_remove(L, -2);
  return text;
}

/* Pushes a line of input without its newline; false at the end. "=x" is short for "return x". */
static bool push_line(lua_State *L, bool first) {
  fputs(push_prompt(L, first), stdout);
  fflush(stdout);
  lua_pop(L, 1);
  char *line = NULL;
  size_t room = 0;
  ssize_t n = getline(&line, &room, stdin);
  if (n < 0) {
    free(line);
    return false;
  }
  if (n > 0 && line[n - 1] == '\n') line[--n] = '\0';
  if (first && line[0] == '=') lua_pushfstring(L, "return %s", line + 1);
  else lua_pushlstring(L, line, (size_t)n);
  free(line);
  return true;
}

static bool is_incomplete(lua_State *L, int status) {
  static const char mark[] = "<eof>";
  size_t n;
  if (status != LUA_ERRSYNTAX) return false;
  const char *text = lua_tolstring(L, -1, &n);
  return n >= sizeof mark - 1 && strcmp(text + n - (sizeof mark - 1), mark) == 0;
}

/* Compiles the line on top of the stack as an expression; on failure only the line is left. */
static int load_expression(lua_State *L) {
  const char *code = lua_pushfstring(L, "return %s;", lua_tostring(L, -1));
  int status = luaL_loadbuffer(L, code, strlen(code), "=stdin");
  lua_remove(L, -2);
  if (status != LUA_OK) lua_pop(L, 1);
  return status;
}

/* Compiles the line at index 1 as a statement, reading further lines while it is incomplete. */
static int load_statement(lua_State *L) {
  for (;;) {
    size_t n;
    const char *code = lua_tolstring(L, 1, &n);
    int status = luaL_loadbuffer(L, code, n, "=stdin");
    if (!is_incomplete(L, status)) return status;
    lua_pop(L, 1);
    if (!push_line(L, false)) return luaL_loadbuffer(L, code, n, "=stdin");
    lua_pushliteral(L, "\n");
    lua_insert(L, -2);
    lua_concat(L, 3);
  }
}

/* Leaves the compiled chunk, or the error, alone on the stack; -1 at the end of input. */
static int load_line(lua_State *L) {
  lua_settop(L, 0);
  if (!push_line(L, true)) return -1;
  int status = load_expression(L);
  if (status != LUA_OK) status = load_statement(L);
  lua_remove(L, 1);
  return status;
}

static void print_results(lua_State *L) {
  int n = lua_gettop(L);
  if (n == 0) return;
  luaL_checkstack(L, LUA_MINSTACK, "too many results to print");
  lua_getglobal(L, "print");
  lua_insert(L, 1);
  if (lua_pcall(L, n, 0, 0) != LUA_OK)
    run_message(L, lua_pushfstring(L, "error calling 'print' (%s)", lua_tostring(L, -1)));
}

void prompt_run(lua_State *L) {
  int status;
  run_set_progname(L, NULL);
  while ((status = load_line(L)) != -1) {
    if (status == LUA_OK) status = run_call(L, 0, LUA_MULTRET);
    if (run_report(L, status)) print_results(L);
  }
  lua_settop(L, 0);
  fputs("\n", stdout);
  fflush(stdout);
}
