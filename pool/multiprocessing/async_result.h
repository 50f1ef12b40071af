/* AsyncResult: one or several tasks of a Pool, whose outcome is asked for later. */
#ifndef GILUA_POOL_MULTIPROCESSING_ASYNC_RESULT_H
#define GILUA_POOL_MULTIPROCESSING_ASYNC_RESULT_H

#include <lua.h>
#include <stdbool.h>

/* async_result_new replaces the list of futures on top of the stack by an AsyncResult. is_list: they are chunks, and the outcome
 * is one list of what they give. */
void async_result_new(lua_State *L, bool is_list);

/* async_result_call_back makes the functions at indices ok and bad (either may be nil) be called with the outcome or the error of
 * the AsyncResult at index i, once all is decided. */
void async_result_call_back(lua_State *L, int i, int ok, int bad);

/* async_result_get waits for the AsyncResult at index i and pushes its outcome: a list, or the values of the task; returns how many.
 * Raises what a task raised, once all are decided. */
int async_result_get(lua_State *L, int i);

#endif
