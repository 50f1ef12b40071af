/* What scripts may reach: GILUA_LIB_… of gilua.h. */
#ifndef GILUA_INTERP_LIBRARIES_H
#define GILUA_INTERP_LIBRARIES_H

#include <lua.h>

/* libraries_restrict takes away what `allowed` does not name, after all libraries are open and before any script runs.
 * Raises memory errors. */
void libraries_restrict(lua_State *L, unsigned allowed);

#endif
