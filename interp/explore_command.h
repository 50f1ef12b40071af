/* The command `gilua explore`. */
#ifndef GILUA_INTERP_EXPLORE_COMMAND_H
#define GILUA_INTERP_EXPLORE_COMMAND_H

#include <stdbool.h>

#include "interp/explore.h"

typedef struct ExploreCommand {
  const char *bad;   /* the argument that is wrong, or NULL */
  const char *needs; /* what it needs */
  ExploreOptions options;
  const char *save; /* --save, or NULL */
  int script;       /* index of the script in argv */
} ExploreCommand;

/* explore_parse reads argv, whose element at `first` follows the word "explore". */
void explore_parse(ExploreCommand *c, int argc, char **argv, int first);

/* explore_command searches and prints what it finds. argv[script] and on are the script and its arguments; the global `arg` is
 * set. Returns whether no run failed. May raise. */
bool explore_command(lua_State *L, const ExploreCommand *c, char **argv);

#endif
