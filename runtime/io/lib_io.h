/* The Lua bindings of this folder, and what they share. */
#ifndef GILUA_RUNTIME_IO_LIB_IO_H
#define GILUA_RUNTIME_IO_LIB_IO_H

#include "runtime/io/stream.h"

/* lib_io_replace puts our equals in the place of io.*, the methods of files, os.execute and its like, print, dofile,
 * loadfile, package.searchpath and the searcher of Lua modules. Called once, when the standard libraries are open. */
void lib_io_replace(lua_State *L);

/* The parts of it. */
void lib_file_replace(lua_State *L);
void lib_print_replace(lua_State *L);
void lib_command_replace(lua_State *L);
void lib_load_replace(lua_State *L);
void lib_search_replace(lua_State *L);

/* lib_load_confine puts loadfile and dofile that take text only in their place: nothing that they keep takes more. */
void lib_load_confine(lua_State *L);

/* lib_io_finish writes what standard output still holds, without the lock; a request ends that, and what is left is
 * dropped, so that the process can end. For the end of a program. */
void lib_io_finish(lua_State *L);

/* lib_io_load is luaL_loadfile that reads without the lock: pushes the chunk of the file, of stdin if name is NULL, or a
 * message; returns the status. May raise what was requested, and memory errors. */
int lib_io_load(lua_State *L, const char *name);

/* The registry's names of the handles of stdin and stdout. */
#define LIB_IO_STDIN "gilua.stdin"
#define LIB_IO_STDOUT "gilua.stdout"

/* The registry's names of the default files. */
#define FILE_INPUT "_IO_input"
#define FILE_OUTPUT "_IO_output"

/* file_check returns the open handle at index i; else an argument error, or "attempt to use a closed file". */
luaL_Stream *file_check(lua_State *L, int i);

/* file_open pushes a new handle and gives it what fopen returns; false, with errno, if that is nothing. */
bool file_open(lua_State *L, const char *name, const char *mode);

/* file_close closes the open handle at index 1, unless it is in use, and pushes what close returns; how many values. */
int file_close(lua_State *L);

/* file_fclose and file_pclose are luaL_Stream.closef of files and of pipes to commands. */
int file_fclose(lua_State *L);
int file_pclose(lua_State *L);

/* file_read reads what the n formats from index first on ask for, of the open handle at index i, and pushes it;
 * file_write writes the n values, then pushes the handle or what went wrong. Both return how many values they pushed. */
int file_read(lua_State *L, int i, int first, int n);
int file_write(lua_State *L, int i, int first, int n);

/* file_flush flushes the open handle at index i; pushes and returns as luaL_fileresult. */
int file_flush(lua_State *L, int i);

/* file_lines pushes the iterator over the handle at index 1 with the formats behind it. */
void file_lines(lua_State *L, bool close_at_end);

#endif
