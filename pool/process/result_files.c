/* Keeping, fetching and closing the files of results. */
#include "pool/process/result_files.h"

#include <fcntl.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/os/descriptors.h"

static const char files_key = 0; /* registry */

void result_files_open(lua_State *L, ResultFiles *files) {
  lua_pushlightuserdata(L, files);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &files_key);
}

void result_files_add(lua_State *L, int fd) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &files_key);
  ResultFiles *files = lua_touserdata(L, -1);
  lua_pop(L, 1);
  if (files == NULL || files->n == MOST_RESULT_FILES) return;
  for (unsigned i = 0; i < files->n; i++)
    if (files->fds[i] == fd) return;
  files->fds[files->n++] = fd;
}

void result_files_keep(ResultFiles *files, PickleMessage *m, uint32_t end) {
  if (files->n == 0) return;
  files->n = 0;
  files->until = end;
  if (files->nkept == files->capacity) {
    unsigned capacity = files->capacity * 2 + 8;
    int *kept = realloc(files->kept, capacity * sizeof *kept);
    if (kept == NULL) return; /* not kept: it may still arrive in time */
    files->kept = kept;
    files->capacity = capacity;
  }
  files->kept[files->nkept++] = m->pins;
  m->pins = LUA_NOREF;
}

void result_files_forget(lua_State *L, ResultFiles *files, const RingEnd *results) {
  if (files->nkept == 0 || (int32_t)(atomic_load(&results->ring->head) - files->until) < 0) return;
  while (files->nkept > 0) luaL_unref(L, LUA_REGISTRYINDEX, files->kept[--files->nkept]);
}

int *result_files_fetch(int pid, const unsigned char *bytes, unsigned n) {
  int *fds = malloc(n * sizeof *fds);
  for (unsigned i = 0; fds != NULL && i < n; i++) {
    char path[64];
    int theirs;
    memcpy(&theirs, bytes + i * sizeof theirs, sizeof theirs);
    snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, theirs);
    fds[i] = os_above_standard(open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK));
  }
  return fds;
}

void result_files_close(int *fds, unsigned n) {
  for (unsigned i = 0; fds != NULL && i < n; i++)
    if (fds[i] >= 0) close(fds[i]);
  free(fds);
}
