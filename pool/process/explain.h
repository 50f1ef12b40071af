/* Says what a worker cannot know: that the global which it misses is there, but was defined after the pool was made. */
#ifndef GILUA_POOL_PROCESS_EXPLAIN_H
#define GILUA_POOL_PROCESS_EXPLAIN_H

#include <lua.h>
#include <stdbool.h>

/* explain_error may replace the error at index i, which came from a worker, by one with a hint. Raises memory errors. */
void explain_error(lua_State *L, int i);

#endif
