/* What map reads: lists, and functions that return the next value. */
#ifndef GILUA_POOL_FUTURES_SOURCE_H
#define GILUA_POOL_FUTURES_SOURCE_H

#include <lua.h>
#include <stdbool.h>

/* source_check raises an error that says what to write unless the value at index i is a source. In the place of a table that
 * can be called and has no first element it puts a function that calls it. may: LIST_HOLES, if a list does not end at its first nil. */
void source_check(lua_State *L, int i, int may);

/* source_refuse_pairs raises an argument error if the function at index i is next, as pairs(t) gives it. */
void source_refuse_pairs(lua_State *L, int i);

/* source_take_for looks whether the values from index i to the top are what a generic for takes, of an iterator that keeps its
 * own state: a function, nil, nil, and a value to be closed (io.lines, map). If so only the function and the last stay.
 * Else nils at the end are dropped, but for the first value. */
bool source_take_for(lua_State *L, int i);

#endif
