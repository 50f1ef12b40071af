/* `gilua worker`: does the tasks of GearmanExecutors, docs/gearman.md. */
#ifndef GILUA_INTERP_WORKER_H
#define GILUA_INTERP_WORKER_H

#include <lua.h>
#include <stdbool.h>

/* worker_program runs it with the arguments argv, which NULL ends, until it is told to end. What is wrong with them
 * ends the process with a message. Returns false after an error, which is reported. */
bool worker_program(lua_State *L, char **argv);

#endif
