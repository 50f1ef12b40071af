/* What the system has few of: descriptors and mappings, which objects of Lua hold until they are collected. */
#ifndef GILUA_RUNTIME_STATE_SCARCE_H
#define GILUA_RUNTIME_STATE_SCARCE_H

#include <lua.h>
#include <stdbool.h>

/* scarce_collect collects all garbage, if err is an errno that says that there are no more of them; true: try again. False also in
 * a finalizer, and where the program has stopped the collector. Needs the lock; runs finalizers, which do not leave it. */
bool scarce_collect(lua_State *L, int err);

/* scarce_descriptors returns the errno if no descriptor can be had now, else 0: who looks for a file in several places says that there
 * is none then. Any thread, with or without the lock. */
int scarce_descriptors(void);

#endif
