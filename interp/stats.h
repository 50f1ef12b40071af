/* The table that --stats prints. */
#ifndef GILUA_INTERP_STATS_H
#define GILUA_INTERP_STATS_H

#include <lua.h>
#include <stdbool.h>
#include <stdio.h>

/* stats_print writes what gil.stats() says as a table, or as one line of JSON. */
void stats_print(lua_State *L, FILE *out, bool json);

#endif
