/* Loading libraries at first use. */
#include "runtime/native/library.h"

#include <dlfcn.h>
#include <lauxlib.h>
#include <string.h>

#include "runtime/state/scarce.h"

static void *open_first(lua_State *L, const LibrarySpec *spec) {
  for (const char *const *name = spec->sonames; *name != NULL; name++) {
    void *library = dlopen(*name, RTLD_NOW | RTLD_LOCAL);
    if (library != NULL) return library;
  }
  lua_pushstring(L, dlerror());
  const char *why = lua_tostring(L, -1);
  int err = scarce_descriptors();
  if (err != 0) luaL_error(L, "cannot load %s: %s", spec->sonames[0], strerror(err));
  if (why != NULL && strstr(why, "No such file") == NULL) luaL_error(L, "cannot load %s: %s", spec->sonames[0], why);
  luaL_error(L, "%s is missing: install the Debian package %s", spec->sonames[0], spec->package);
  return NULL;
}

const void *library_load(lua_State *L, const LibrarySpec *spec) {
  luaL_checkstack(L, 3, NULL);
  lua_rawgetp(L, LUA_REGISTRYINDEX, spec);
  void **table = lua_touserdata(L, -1);
  lua_pop(L, 1);
  if (table != NULL) return table;
  size_t n = 0;
  while (spec->symbols[n] != NULL) n++;
  table = lua_newuserdatauv(L, n * sizeof(void *), 0);
  void *library = open_first(L, spec); /* never closed: other threads may be in it when a state ends */
  for (size_t i = 0; i < n; i++)
    if ((table[i] = dlsym(library, spec->symbols[i])) == NULL)
      luaL_error(L, "%s of the Debian package %s has no function %s", spec->sonames[0], spec->package,
                 spec->symbols[i]);
  lua_rawsetp(L, LUA_REGISTRYINDEX, spec);
  return table;
}
