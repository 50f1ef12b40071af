/* Libraries of the distribution that are loaded when they are first used.
 *
 * Linked to the program, libcrypto costs 1.2 ms and OpenBLAS 2.7 ms at every start, of a program that starts in one;
 * zlib and zstd together 0.1 ms. So their functions are looked up in one table a library and a state.
 */
#ifndef GILUA_RUNTIME_NATIVE_LIBRARY_H
#define GILUA_RUNTIME_NATIVE_LIBRARY_H

#include <lua.h>

/* A library: constant, one each. */
typedef struct LibrarySpec {
  const char *package;        /* the Debian package that has it */
  const char *const *sonames; /* tried in turn; NULL ends */
  const char *const *symbols; /* what is looked up, in the order of the table; NULL ends */
} LibrarySpec;

/* library_load returns spec's table of function addresses, which lives as long as the state; it loads the library at
 * the first call. Raises an error that names the package. Needs the lock, and keeps it: a load takes some
 * milliseconds. */
const void *library_load(lua_State *L, const LibrarySpec *spec);

#endif
