/* Modules here and at the other end of a link. */
#ifndef GILUA_POOL_PICKLE_MODULES_H
#define GILUA_POOL_PICKLE_MODULES_H

#include <lua.h>
#include <stdbool.h>

/* modules_push_loaded pushes package.loaded, or an empty table where a program took it away. */
void modules_push_loaded(lua_State *L);

/* modules_push pushes the table of what the other end of a link has, if it is forked now, or executed (see modules.c).
 * modules_have tells whether it can be asked for the module whose name is at index `name`, its value above that; may
 * raise a memory error. modules_made tells whether a function of Lua with a name in that module comes from the file of
 * a module, and not from whoever put it there later; raw accesses.
 * modules_have_more tells whether there are modules that it may be asked for; raw accesses. */
void modules_push(lua_State *L, bool forked);
bool modules_have(lua_State *L, int modules, int name);
bool modules_made(lua_State *L, int modules, int name, int function);
bool modules_have_more(lua_State *L, int modules, int loaded);

#endif
