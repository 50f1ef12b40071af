/* start = "spawn": a zygote that does not come from this process but is the gilua program, executed anew. For hosts that
 * cannot fork. Only modules that it can require, and values, reach its workers; from there on it is the same zygote.
 */
#ifndef GILUA_POOL_PROCESS_SPAWN_H
#define GILUA_POOL_PROCESS_SPAWN_H

#include <lua.h>

#include "runtime/state/runtime.h"

/* The first argument of a program that is executed to be a zygote. */
#define SPAWN_ARGUMENT "--gilua-zygote"

/* spawn_use says which program this process is: "/proc/self/exe" for one that calls spawn_main. Without it the program is
 * $GILUA_PROGRAM, or else "gilua" on the PATH. Before any pool is made. */
void spawn_use(Runtime *rt, const char *program);

/* spawn_main is the life of the zygote in the executed program. L: the main state, with its libraries open, the lock
 * owned. argv: as it came. Does not return. */
_Noreturn void spawn_main(lua_State *L, int argc, char **argv);

#endif
