/* trace, dump and on_long_hold of gilua.gil. */
#ifndef GILUA_RUNTIME_TRACE_LIB_TRACE_H
#define GILUA_RUNTIME_TRACE_LIB_TRACE_H

#include <lua.h>

/* lib_trace_add puts them into the table on top of the stack. */
void lib_trace_add(lua_State *L);

#endif
