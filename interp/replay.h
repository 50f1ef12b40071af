/* The command `gilua replay`: a saved run once more. */
#ifndef GILUA_INTERP_REPLAY_H
#define GILUA_INTERP_REPLAY_H

#include <lua.h>
#include <stdbool.h>

#include "runtime/schedule/file.h"
#include "runtime/schedule/strategies.h"

typedef struct Replay {
  const char *bad, *needs; /* the argument that is wrong, and what it needs; or NULL */
  const char *path;        /* of the schedule */
  const char *trace;       /* --trace, or NULL */
  ScheduleFile file;
  Schedule schedule;
  GivenStrategy given;
  char **argv;             /* the script and its arguments, as if they followed the program's name; owned */
} Replay;

/* replay_parse reads argv, whose element at `first` follows the word "replay". */
void replay_parse(Replay *r, int argc, char **argv, int first);

/* replay_open reads the file and compares the script with it; false: it has said on stderr what is wrong. */
bool replay_open(Replay *r, const char *progname);

/* replay_begin has the schedule decide from now on; a run that differs ends the process with status 1, after it has said on
 * stderr where. replay_end does so if the run has ended too soon. */
void replay_begin(lua_State *L, Replay *r);
void replay_end(const Replay *r);

/* replay_close releases it. */
void replay_close(Replay *r);

#endif
