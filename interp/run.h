/* Running chunks for the gilua program: protected, with a traceback, errors to stderr. */
#ifndef GILUA_INTERP_RUN_H
#define GILUA_INTERP_RUN_H

#include <lua.h>
#include <stdbool.h>

/* run_call calls the function below nargs arguments on the stack; an error becomes its text with a traceback. */
int run_call(lua_State *L, int nargs, int nresults);

/* run_error_to_text puts its text in the place of an error object of ours on top of the stack; others stay. */
void run_error_to_text(lua_State *L);

/* run_report writes the error on top of the stack, if status is one, to stderr after the program's name, and pops it.
 * Returns status == LUA_OK. */
bool run_report(lua_State *L, int status);

/* run_file, run_string, run_library do what `lua file`, `lua -e` and `lua -l` do; they return whether it went well. */
bool run_file(lua_State *L, const char *name);
bool run_string(lua_State *L, const char *code, const char *chunkname);
bool run_library(lua_State *L, const char *spec);

/* run_script runs argv[0], or stdin if that is "-", with the arguments of the global table arg. */
bool run_script(lua_State *L, char **argv);

/* run_load and run_loaded are its two halves: the first pushes the script's function, unless it returns false; the second calls
 * what is on top with the elements of the global `arg`. */
bool run_load(lua_State *L, char **argv);
bool run_loaded(lua_State *L);

/* run_progname is what messages start with; NULL at the prompt. It is kept in the registry. */
void run_set_progname(lua_State *L, const char *name);

/* run_message writes "progname: text" to stderr. */
void run_message(lua_State *L, const char *text);

#endif
