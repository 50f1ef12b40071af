/* What a process knows of itself and of the one that started it.
 *
 * A Process is told its name with its call: a table {name, daemon, parent's name, parent}, the last of its arguments.
 */
#ifndef GILUA_POOL_PROCESS_CURRENT_H
#define GILUA_POOL_PROCESS_CURRENT_H

#include <lua.h>
#include <stdbool.h>

/* current_push_description pushes what a Process of that name is told. current_take pops it, in that process. */
void current_push_description(lua_State *L, const char *name, bool daemon);
void current_take(lua_State *L);

/* current_push pushes the description of the calling process, or nil: it is no Process. */
void current_push(lua_State *L);

enum { CURRENT_NAME = 1, CURRENT_DAEMON, CURRENT_PARENT_NAME, CURRENT_PARENT /* SharedId */ };

#endif
