/* multiprocessing.shared_array(type, n): a typed array (gilua.native's buffer) in memory that processes share.
 *
 * The memory is a memfd, so that nothing is left behind, and so that an array made after the pool reaches its workers:
 * an array travels as the process and the descriptor that it has there, and the inode, by which its reader sees that it
 * is still the same. Who sends an array keeps it until the task is done.
 */
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pool/multiprocessing/lib_multiprocessing.h"
#include "runtime/native/buffer.h"
#include "runtime/os/descriptors.h"

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

/* Pushes an array over the memory of fd, which becomes its own. */
static void push_array(lua_State *L, BufferType type, size_t n, int fd) {
  SharedMemory *m = malloc(sizeof *m);
  size_t size = n * buffer_item_sizes[type];
  void *data = m == NULL ? MAP_FAILED : mmap(NULL, size > 0 ? size : 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (data == MAP_FAILED) {
    int err = m == NULL ? ENOMEM : errno;
    free(m);
    close(fd);
    luaL_error(L, "cannot map a shared array of %I bytes: %s", (LUAI_UACINT)size, strerror(err));
  }
  *m = (SharedMemory){.fd = fd, .size = size > 0 ? size : 1};
  buffer_adopt(L, type, n, data, release, m);
}

static int shared_array(lua_State *L) {
  BufferType type = (BufferType)luaL_checkoption(L, 1, NULL, buffer_type_names);
  lua_Integer n = luaL_checkinteger(L, 2);
  luaL_argcheck(L, n >= 0 && n <= PTRDIFF_MAX / 8, 2, "not a length");
  int fd = os_above_standard(memfd_create("gilua.shared_array", MFD_CLOEXEC));
  off_t size = (off_t)n * buffer_item_sizes[type];
  if (fd < 0) return luaL_error(L, "cannot make a shared array: %s", strerror(errno));
  if (ftruncate(fd, size > 0 ? size : 1) != 0) {
    int err = errno;
    close(fd);
    return luaL_error(L, "cannot make a shared array of %I bytes: %s", (LUAI_UACINT)size, strerror(err));
  }
  push_array(L, type, (size_t)n, fd);
  return 1;
}

/* _attach_array(pid, fd, inode, type, n) -> the array of another process */
static int attach(lua_State *L) {
  char path[64];
  struct stat st;
  BufferType type = (BufferType)luaL_checkoption(L, 4, NULL, buffer_type_names);
  lua_Integer n = luaL_checkinteger(L, 5);
  snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)luaL_checkinteger(L, 1), (int)luaL_checkinteger(L, 2));
  int fd = os_above_standard(open(path, O_RDWR | O_CLOEXEC));
  if (fd < 0) return luaL_error(L, "the shared array is not to be had (%s): %s", path, strerror(errno));
  if (fstat(fd, &st) != 0 || st.st_ino != (ino_t)luaL_checkinteger(L, 3) || n < 0 ||
      n > st.st_size / buffer_item_sizes[type]) {
    close(fd);
    return luaL_error(L, "the shared array is gone: keep it until the task that uses it is done");
  }
  push_array(L, type, (size_t)n, fd);
  return 1;
}

/* _load_array(type, bytes) -> a copy of a buffer that is not shared */
static int load(lua_State *L) {
  size_t size;
  BufferType type = (BufferType)luaL_checkoption(L, 1, NULL, buffer_type_names);
  const char *bytes = luaL_checklstring(L, 2, &size);
  luaL_argcheck(L, size % buffer_item_sizes[type] == 0, 2, "no whole number of elements");
  Buffer *b = buffer_new(L, type, size / buffer_item_sizes[type]);
  if (size > 0) memcpy(b->data, bytes, size);
  return 1;
}

/* How buffers are sent: __reduce. */
static int reduce(lua_State *L) {
  Buffer *b = buffer_check(L, 1);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, -1, "gilua.multiprocessing");
  if (b->release != release) {
    lua_getfield(L, -1, "_load_array");
    lua_pushstring(L, buffer_type_names[b->type]);
    buffer_push_bytes(L, b->data, buffer_nbytes(b));
    return 3;
  }
  const SharedMemory *m = b->owner;
  struct stat st = {0};
  fstat(m->fd, &st);
  lua_getfield(L, -1, "_attach_array");
  lua_pushinteger(L, getpid());
  lua_pushinteger(L, m->fd);
  lua_pushinteger(L, (lua_Integer)st.st_ino);
  lua_pushstring(L, buffer_type_names[b->type]);
  lua_pushinteger(L, (lua_Integer)b->length);
  return 6;
}

const luaL_Reg shared_array_functions[] = {
    {"_attach_array", attach}, {"_load_array", load}, {"shared_array", shared_array}, {NULL, NULL}};

void shared_array_register(lua_State *L) {
  buffer_open(L);
  buffer_open_account(L);
  luaL_getmetatable(L, buffer_type.name);
  lua_pushcfunction(L, reduce);
  lua_setfield(L, -2, "__reduce");
  lua_pop(L, 1);
}
