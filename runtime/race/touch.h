/* What the next instruction touches, for a strategy: places as numbers (gil/schedule.h). An access touches its place; a call
 * of a C function all of each table, userdata or coroutine that it is given. Of others nothing is known: they touch nothing.
 */
#ifndef GILUA_RUNTIME_RACE_TOUCH_H
#define GILUA_RUNTIME_RACE_TOUCH_H

#include "runtime/gil/schedule.h"
#include "runtime/race/access.h"

/* touch_next fills touches; from the count hook of L, where others may notice the instruction. */
void touch_next(Touches *touches, Accesses *a, lua_State *L, lua_Debug *ar);

#endif
