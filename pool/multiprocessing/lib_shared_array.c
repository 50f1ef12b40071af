/* multiprocessing.shared_array(type, n): a typed array (gilua.native's buffer) in memory that processes share.
 *
 * The memory is a memfd, so that nothing is left behind, and so that an array made after the pool reaches its workers:
 * an array travels as the process and the descriptor that it has there, and the inode, by which its reader sees that it
 * is still the same; a view of one with it. The message of a task keeps what it sends; so does a worker the arrays in a
 * result, until the program has opened them.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pool/multiprocessing/buffer_reduce.h"
#include "pool/multiprocessing/lib_multiprocessing.h"
#include "pool/pickle/pickle.h"
#include "pool/process/result_files.h"
#include "runtime/native/buffer.h"
#include "runtime/native/lib_native.h"
#include "runtime/os/descriptors.h"
#include "runtime/os/memory.h"
#include "runtime/state/scarce.h"

typedef struct SharedMemory {
  int fd;
  size_t size;
} SharedMemory;

static void release(void *owner, void *data, size_t nbytes) {
  SharedMemory *m = owner;
  (void)nbytes;
  munmap(data, m->size);
  close(m->fd);
  free(m);
}

static void *map(size_t size, int fd) {
  return mmap(NULL, size > 0 ? size : 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}

/* Pushes an array over the memory of fd, which becomes its own. */
static void push_array(lua_State *L, BufferType type, size_t n, int fd) {
  SharedMemory *m = malloc(sizeof *m);
  size_t size = n * buffer_item_sizes[type];
  void *data = m == NULL ? MAP_FAILED : map(size, fd);
  if (data == MAP_FAILED && m != NULL && scarce_collect(L, errno)) data = map(size, fd);
  if (data == MAP_FAILED) {
    int err = m == NULL ? ENOMEM : errno;
    free(m);
    close(fd);
    luaL_error(L, "cannot map a shared array of %I bytes: %s", (LUAI_UACINT)size, strerror(err));
  }
  *m = (SharedMemory){.fd = fd, .size = size > 0 ? size : 1};
  buffer_adopt(L, type, n, data, release, m);
}

static int make_file(size_t size) {
  if (size == 0) size = 1;
  return os_memory_granted(size) ? os_memory_file("gilua.shared_array", size) : -1;
}

int shared_array_new(lua_State *L) {
  object_check_last(L, 2);
  BufferType type = (BufferType)native_check_buffer_type(L, 1);
  lua_Integer n = luaL_checkinteger(L, 2);
  luaL_argcheck(L, n >= 0 && n <= PTRDIFF_MAX / 8, 2, "not a length");
  size_t size = (size_t)n * buffer_item_sizes[type];
  int fd = make_file(size);
  if (fd < 0 && scarce_collect(L, errno)) fd = make_file(size);
  if (fd < 0)
    return luaL_error(L, "cannot make a shared array of %I bytes: %s%s", (LUAI_UACINT)size, strerror(errno),
                      errno == EFBIG ? " (ulimit -f)" : "");
  push_array(L, type, (size_t)n, fd);
  return 1;
}

/* The memory of another process: by the descriptor there; where that was closed, by one that this process got for it
 * (result_files.h). Returns a descriptor that the caller closes, or -1 with errno. */
static int open_memory(lua_Integer pid, lua_Integer fd, ino_t inode) {
  char path[64];
  struct stat st;
  snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)pid, (int)fd);
  int mine = os_above_standard(open(path, O_RDWR | O_CLOEXEC)), err = errno;
  if (mine >= 0 && fstat(mine, &st) == 0 && st.st_ino == inode) return mine;
  if (mine >= 0) close(mine);
  DIR *list = opendir("/proc/self/fd");
  int found = -1;
  for (struct dirent *entry; list != NULL && found < 0 && (entry = readdir(list)) != NULL;) {
    int other = atoi(entry->d_name);
    if (fstat(other, &st) == 0 && S_ISREG(st.st_mode) && st.st_ino == inode && st.st_nlink == 0)
      found = os_above_standard(fcntl(other, F_DUPFD_CLOEXEC, 3));
  }
  if (list != NULL) closedir(list);
  errno = mine >= 0 ? ENOENT : err;
  return found;
}

/* (pid, fd, inode, type, length, first, n) -> an array of another process, or elements first … first + n - 1 (from 0) of it */
static int attach(lua_State *L) {
  struct stat st;
  BufferType type = (BufferType)native_check_buffer_type(L, 4);
  lua_Integer length = luaL_checkinteger(L, 5), first = luaL_checkinteger(L, 6), n = luaL_checkinteger(L, 7);
  lua_Integer pid = luaL_checkinteger(L, 1), theirs = luaL_checkinteger(L, 2);
  ino_t inode = (ino_t)luaL_checkinteger(L, 3);
  int fd = open_memory(pid, theirs, inode);
  if (fd < 0 && scarce_collect(L, errno)) fd = open_memory(pid, theirs, inode);
  if (fd < 0)
    return luaL_error(L, "the shared array is gone (%s): keep it until the task that uses it is done", strerror(errno));
  if (fstat(fd, &st) != 0 || length < 0 || length > st.st_size / buffer_item_sizes[type] || first < 0 || n < 0 ||
      first > length || n > length - first) {
    close(fd);
    return luaL_error(L, "this is no shared array of that length");
  }
  push_array(L, type, (size_t)length, fd);
  if (n < length) buffer_view(L, -1, (size_t)first, (size_t)n);
  return 1;
}

/* How buffers are sent: __reduce. */
static int reduce(lua_State *L) {
  size_t first;
  Buffer *b = object_check(L, 1, &buffer_type), *root = buffer_root(b, &first);
  if (b->freed) return luaL_error(L, "cannot send a buffer that was freed");
  if (root->release != release) return buffer_reduce(L, b, root, first);
  const SharedMemory *m = root->owner;
  struct stat st = {0};
  fstat(m->fd, &st);
  result_files_add(L, m->fd);
  lua_pushcfunction(L, attach);
  lua_pushinteger(L, getpid());
  lua_pushinteger(L, m->fd);
  lua_pushinteger(L, (lua_Integer)st.st_ino);
  lua_pushstring(L, buffer_type_names[b->type]);
  lua_pushinteger(L, (lua_Integer)root->length);
  lua_pushinteger(L, (lua_Integer)first);
  lua_pushinteger(L, (lua_Integer)b->length);
  return 8;
}

void shared_array_register(lua_State *L) {
  buffer_open(L);
  buffer_open_account(L);
  luaL_getmetatable(L, buffer_type.name);
  lua_pushcfunction(L, reduce);
  lua_setfield(L, -2, "__reduce");
  lua_pushboolean(L, 1);
  lua_setfield(L, -2, PICKLE_SHARES);
  lua_pop(L, 1);
  lua_pushcfunction(L, attach);
  pickle_register(L, "gilua.attach_array");
  buffer_reduce_register(L);
}
