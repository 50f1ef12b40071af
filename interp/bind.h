/* `gilua bind`: native modules from annotated C prototypes, docs/bind.md. */
#ifndef GILUA_INTERP_BIND_H
#define GILUA_INTERP_BIND_H

#include <lua.h>
#include <stdbool.h>

/* bind_run runs the generator with the arguments argv, which NULL ends. What is wrong with them, or with the
 * prototypes, ends the process with a message. Returns false after an error in the generator itself, which is
 * reported. */
bool bind_run(lua_State *L, char **argv);

#endif
