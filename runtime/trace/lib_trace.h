/* trace, dump and on_long_hold of gilua.gil. */
#ifndef GILUA_RUNTIME_TRACE_LIB_TRACE_H
#define GILUA_RUNTIME_TRACE_LIB_TRACE_H

#include <lua.h>

/* lib_trace_start records to the file at path, as gil.trace does: with the names of the threads that are there, and marks
 * for collections. Returns 0 or an errno. Raises when memory is missing. */
int lib_trace_start(lua_State *L, const char *path);

/* lib_trace_add puts them into the table on top of the stack. */
void lib_trace_add(lua_State *L);

#endif
