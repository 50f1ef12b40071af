/* A line from the terminal, edited: history, completion. Over libedit, which is loaded when it is first needed; the
 * wait for a key is without the interpreter lock. */
#ifndef GILUA_INTERP_LINEEDIT_H
#define GILUA_INTERP_LINEEDIT_H

#include <lua.h>
#include <stdbool.h>

typedef struct LineEdit LineEdit;

typedef enum LineResult {
  LINE_READ,
  LINE_END,         /* Ctrl-D */
  LINE_INTERRUPTED, /* a request came: Ctrl-C, or what else the caller is to raise */
} LineResult;

/* lineedit_open prepares editing on stdin and stdout and loads the history. NULL: they are no terminal that can do it,
 * or there is no libedit. One a state. May raise memory errors. */
LineEdit *lineedit_open(lua_State *L);

/* lineedit_close frees le; NULL is fine. */
void lineedit_close(LineEdit *le);

/* lineedit_read reads one line, without its newline, and pushes it if that is the result; the history has it from then
 * on, in the file too if that can be written. May raise memory errors. Main
 * thread, with the interpreter lock, which is dropped while it waits. */
LineResult lineedit_read(lua_State *L, LineEdit *le, const char *prompt);

#endif
