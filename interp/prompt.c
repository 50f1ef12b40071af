/* Read, run, print: as the prompt of `lua` 5.4, or of 5.5. Lines are edited on a terminal that can do it (lineedit.h), else read
 * as they come; either way without the lock. */
#include "interp/prompt.h"

#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "interp/gilua.h"
#include "interp/lineedit.h"
#include "interp/run.h"
#include "runtime/io/lib_io.h"
#include "runtime/state/error.h"
#include "runtime/state/handlers.h"
#include "runtime/state/request.h"

enum { LOAD_END = -1, LOAD_DROPPED = -2 };

void prompt_banner(void) {
  fputs("gilua " GILUA_VERSION " on " LUA_COPYRIGHT "\n", stdout);
  fflush(stdout);
}

/* Pushes the global _PROMPT or _PROMPT2 as text, or the default. */
static const char *push_prompt(lua_State *L, bool first) {
  /* one value either way */
  if (lua_getglobal(L, first ? "_PROMPT" : "_PROMPT2") == LUA_TNIL) return first ? "> " : ">> ";
  const char *text = luaL_tolstring(L, -1, NULL);
  lua_remove(L, -2);
  return text;
}

typedef enum Input { INPUT_LINE, INPUT_END, INPUT_DROPPED } Input;

/* A line of standard input, or nil. */
static int read_plain(lua_State *L) {
  lua_getfield(L, LUA_REGISTRYINDEX, LIB_IO_STDIN);
  lua_getfield(L, -1, "read");
  lua_insert(L, -2);
  lua_call(L, 1, 1);
  return 1;
}

static int raise_requested(lua_State *L) {
  request_raise(L, tstate_self());
  return 0;
}

/* What a request raised is on top of the stack: Ctrl-C drops the input, the rest is not for the prompt. */
static Input dropped(lua_State *L) {
  if (!error_is(L, -1, ERROR_INTERRUPTED)) lua_error(L);
  lua_pop(L, 1);
  handlers_interrupt_served(); /* pressing it again soon is not meant for the program */
  fputs("\n", stdout);
  fflush(stdout);
  return INPUT_DROPPED;
}

/* A terminal has shown what was typed; of other input the line on top of the stack is shown, as `lua` with readline does. */
static void echo(lua_State *L) {
  size_t n;
  const char *line = lua_tolstring(L, -1, &n);
  fwrite(line, 1, n, stdout);
  fputs("\n", stdout);
  fflush(stdout);
}

static Input push_plain(lua_State *L, const char *prompt) {
  fputs(prompt, stdout);
  fflush(stdout);
  lua_pushcfunction(L, read_plain);
  if (lua_pcall(L, 0, 1, 0) != LUA_OK) return dropped(L);
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    return INPUT_END;
  }
  if (!isatty(STDIN_FILENO)) echo(L);
  return INPUT_LINE;
}

static Input push_edited(lua_State *L, LineEdit *le, const char *prompt) {
  LineResult result = lineedit_read(L, le, prompt);
  if (result == LINE_READ) return INPUT_LINE;
  if (result == LINE_END) return INPUT_END;
  lua_pushcfunction(L, raise_requested);
  if (lua_pcall(L, 0, 0, 0) != LUA_OK) return dropped(L);
  return INPUT_DROPPED;
}

/* Pushes a line of input without its newline. "=x" is short for "return x" in 5.4. */
static Input push_line(lua_State *L, LineEdit *le, bool first) {
  int top = lua_gettop(L);
  const char *prompt = push_prompt(L, first);
  Input input = le != NULL ? push_edited(L, le, prompt) : push_plain(L, prompt);
  if (input == INPUT_LINE) {
    lua_replace(L, top + 1);
    const char *line = lua_tostring(L, top + 1);
    if (LUA_VERSION_NUM == 504 && first && line[0] == '=') {
      lua_pushfstring(L, "return %s", line + 1);
      lua_replace(L, top + 1);
    }
  }
  lua_settop(L, input == INPUT_LINE ? top + 1 : top);
  return input;
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

/* 5.5 says what many run into. */
static void warn_of_local(const char *line) {
  static const char word[] = "local";
  size_t n = sizeof word - 1;
  line += strspn(line, " \t");
  if (strncmp(line, word, n) != 0 || (line[n] != '\0' && line[n] != ' ' && line[n] != '\t')) return;
  fputs("warning: locals do not survive across lines in interactive mode\n", stderr);
}

/* Compiles the line at index 1 as a statement, reading further lines while it is incomplete. */
static int load_statement(lua_State *L, LineEdit *le) {
  if (LUA_VERSION_NUM > 504) warn_of_local(lua_tostring(L, 1));
  for (;;) {
    size_t n;
    const char *code = lua_tolstring(L, 1, &n);
    int status = luaL_loadbuffer(L, code, n, "=stdin");
    if (!is_incomplete(L, status)) return status;
    lua_pop(L, 1);
    Input input = push_line(L, le, false);
    if (input == INPUT_DROPPED) return LOAD_DROPPED;
    if (input == INPUT_END) return luaL_loadbuffer(L, code, n, "=stdin");
    lua_pushliteral(L, "\n");
    lua_insert(L, -2);
    lua_concat(L, 3);
  }
}

/* Leaves the compiled chunk, or the error, alone on the stack; or LOAD_END, LOAD_DROPPED. */
static int load_line(lua_State *L, LineEdit *le) {
  lua_settop(L, 0);
  Input input = push_line(L, le, true);
  if (input != INPUT_LINE) return input == INPUT_END ? LOAD_END : LOAD_DROPPED;
  int status = load_expression(L);
  if (status != LUA_OK) status = load_statement(L, le);
  lua_remove(L, 1);
  return status;
}

static void print_results(lua_State *L) {
  int n = lua_gettop(L);
  if (n == 0) return;
  luaL_checkstack(L, LUA_MINSTACK, "too many results to print");
  lua_getglobal(L, "print");
  lua_insert(L, 1);
  if (lua_pcall(L, n, 0, 0) == LUA_OK) return;
  run_error_to_text(L);
  run_message(L, lua_pushfstring(L, "error calling 'print' (%s)", lua_tostring(L, -1)));
}

void prompt_run(lua_State *L) {
  int status;
  run_set_progname(L, NULL);
  LineEdit *le = lineedit_open(L);
  while ((status = load_line(L, le)) != LOAD_END) {
    if (status == LOAD_DROPPED) continue;
    if (status == LUA_OK) status = run_call(L, 0, LUA_MULTRET);
    if (run_report(L, status)) print_results(L);
  }
  lineedit_close(le);
  lua_settop(L, 0);
  fputs("\n", stdout);
  fflush(stdout);
}
