/* Files that a result refers to: the memory of shared arrays. The program opens them when the result arrives, through the
 * worker's /proc/PID/fd, and has them until the task is freed. So the worker keeps what it sent, by the pins of the message,
 * until the program has read its ring so far.
 */
#ifndef GILUA_POOL_PROCESS_RESULT_FILES_H
#define GILUA_POOL_PROCESS_RESULT_FILES_H

#include "pool/pickle/pickle.h"
#include "pool/process/ring.h"

enum { MOST_RESULT_FILES = 1024 };

/* The worker's side; zero is empty. All of the thread that runs tasks. */
typedef struct ResultFiles {
  int fds[MOST_RESULT_FILES];
  unsigned n;         /* of the result that is being made */
  int *kept;          /* registry references of pins of results that may not have been read */
  unsigned nkept, capacity;
  uint32_t until;     /* they have been when the ring's head is there */
} ResultFiles;

/* result_files_add is for a __reduce: the message that is being written refers to fd. No effect but in a task of a worker. */
void result_files_add(lua_State *L, int fd);

/* result_files_open makes files those of the worker whose state L belongs to. May raise a memory error. */
void result_files_open(lua_State *L, ResultFiles *files);

/* result_files_keep takes the pins of a message that was written up to `end` of the ring, and empties the list of files. */
void result_files_keep(ResultFiles *files, PickleMessage *m, uint32_t end);

/* result_files_forget lets go of what was kept, if the program has read it all. */
void result_files_forget(lua_State *L, ResultFiles *files, const RingEnd *results);

/* result_files_fetch is the program's side: opens the n files of process pid whose numbers stand, unaligned, in bytes.
 * Returns malloc'd descriptors, -1 for each that is not to be had; NULL without memory. result_files_close closes and frees. */
int *result_files_fetch(int pid, const unsigned char *bytes, unsigned n);
void result_files_close(int *fds, unsigned n);

#endif
