/* A run as a file: the program, how the run was found, and each of its turns, as text.
 *
 *   gilua schedule 1
 *   by gilua 0.1 on Lua 5.4
 *   script counter.lua
 *   hash 93b3f3a1c6e0b2d4            of the script: FNV-1a, 64 bits
 *   argument 100                     one line each
 *   seed 17                          of math.random
 *   found random 17, run 3           how, for who reads it
 *   ended error: counter.lua:9: …    likewise
 *   steps 127                        VM instructions of all threads
 *   digest 5f0d6f1e0a4b2c77          of the turns
 *   turns 5
 *   2 41 0 p 3                       thread 2, at its 41st instruction, was preempted for thread 3; the number between counts
 *   3 44 0 w 2                       the waits at that instruction: w it waits or has ended, l it left for native work
 *   end
 *
 * In texts a line's end is written \n, and a backslash \\.
 */
#ifndef GILUA_RUNTIME_SCHEDULE_FILE_H
#define GILUA_RUNTIME_SCHEDULE_FILE_H

#include "runtime/gil/schedule.h"

typedef struct ScheduleFile {
  char *made_by, *script, *found, *ended; /* owned */
  char **args;                            /* owned, nargs of them */
  int nargs;
  uint64_t hash, seed, steps, digest;
  Turn *turns; /* owned by who reads */
  uint64_t nturns;
} ScheduleFile;

/* schedule_file_write writes f to path. Returns 0 or an errno. */
int schedule_file_write(const ScheduleFile *f, const char *path);

/* schedule_file_read reads path into f, which schedule_file_free releases whatever came. Returns NULL, or what is wrong, in
 * error, which has room for n bytes. */
const char *schedule_file_read(ScheduleFile *f, const char *path, char *error, size_t n);
void schedule_file_free(ScheduleFile *f);

/* schedule_file_hash gives the hash of the file at path; 0 or an errno. */
int schedule_file_hash(const char *path, uint64_t *hash);

/* schedule_how is the letter of a GilHow. */
char schedule_how(unsigned how);

#endif
