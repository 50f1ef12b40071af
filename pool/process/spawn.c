/* Executing a program as zygote: descriptors by fixed numbers, the rest as arguments. */
#include "pool/process/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <lauxlib.h>
#include <lualib.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pool/process/fork.h"
#include "runtime/os/descriptors.h"

extern char **environ;

/* The descriptors in the new program. */
enum { SPAWN_SOCKET = 3, SPAWN_EVENT, SPAWN_MEMORY, SPAWN_END };

enum { ARGUMENT = 1, WORKERS, CPUS, MEMORY_LIMIT, SINGLE, PARENT, PATH, CPATH, FORM, ARGUMENTS };

/* What both ends take for granted of each other, of which the layout is a part: count it up when the rest changes. */
enum { PROTOCOL = 1, LONGEST_FORM = 80 };

static void write_form(char *form) {
  snprintf(form, LONGEST_FORM, "%d-%d-%zu-%zu-%zu-%d", PROTOCOL, PICKLE_VERSION, shared_size(1), sizeof(Record),
           sizeof(ZygoteMessage), SLOTS);
}

void spawn_use(Runtime *rt, const char *program) { rt->worker_program = program; }

/* Where the environment does not count, Lua notes it in the registry. */
static const char *program_of(lua_State *L, const Runtime *rt) {
  lua_getfield(L, LUA_REGISTRYINDEX, "LUA_NOENV");
  const char *program = rt->worker_program;
  if (program == NULL && !lua_toboolean(L, -1)) program = getenv("GILUA_PROGRAM");
  lua_pop(L, 1);
  return program != NULL ? program : "gilua";
}

/* Copies above the fixed numbers first, so that none is overwritten before it is copied. */
static int add_descriptors(posix_spawn_file_actions_t *actions, const int *from, int *copies) {
  for (int i = 0; i < SPAWN_END - SPAWN_SOCKET; i++) {
    copies[i] = fcntl(from[i], F_DUPFD_CLOEXEC, SPAWN_END);
    if (copies[i] < 0) return errno;
    int err = posix_spawn_file_actions_adddup2(actions, copies[i], SPAWN_SOCKET + i);
    if (err != 0) return err;
  }
  return 0;
}

/* Nothing else of the program stays open: libraries open descriptors that are not close-on-exec. */
static int close_the_rest(posix_spawn_file_actions_t *actions) {
#if __GLIBC_PREREQ(2, 34)
  return posix_spawn_file_actions_addclosefrom_np(actions, SPAWN_END);
#else
  (void)actions;
  return 0;
#endif
}

/* package.path or cpath as it is now. */
static void push_path(lua_State *L, const char *field) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (lua_getfield(L, -1, LUA_LOADLIBNAME) != LUA_TTABLE || lua_getfield(L, -1, field) != LUA_TSTRING)
    lua_pushliteral(L, "");
}

int spawn_zygote(lua_State *L, Engine *e, pid_t *pid) {
  int from[] = {e->zygote.birth.socket, e->event, e->memory}, copies[] = {-1, -1, -1};
  char numbers[ARGUMENTS][24], form[LONGEST_FORM];
  int top = lua_gettop(L);
  luaL_checkstack(L, 8, NULL);
  push_path(L, "path");
  const char *path = lua_tostring(L, -1);
  push_path(L, "cpath");
  const char *cpath = lua_tostring(L, -1);
  const uint64_t values[] = {[WORKERS] = e->options.max_workers, [CPUS] = e->options.cpus,
                             [MEMORY_LIMIT] = e->options.memory_limit, [SINGLE] = e->options.single,
                             [PARENT] = (uint64_t)getpid()};
  for (int i = WORKERS; i <= PARENT; i++) snprintf(numbers[i], sizeof numbers[i], "%" PRIu64, values[i]);
  write_form(form);
  char program[] = "gilua", argument[] = SPAWN_ARGUMENT;
  char *argv[] = {program,          argument,         numbers[WORKERS], numbers[CPUS], numbers[MEMORY_LIMIT],
                  numbers[SINGLE], numbers[PARENT],  (char *)path,     (char *)cpath, form, NULL};
  posix_spawn_file_actions_t actions;
  int err = posix_spawn_file_actions_init(&actions);
  if (err == 0) {
    err = add_descriptors(&actions, from, copies);
    if (err == 0) err = close_the_rest(&actions);
    if (err == 0) err = posix_spawnp(pid, program_of(L, e->rt), &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
  }
  for (int i = 0; i < SPAWN_END - SPAWN_SOCKET; i++)
    if (copies[i] >= 0) close(copies[i]);
  lua_settop(L, top);
  return err;
}

static void set_path(lua_State *L, const char *field, const char *value) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (value[0] != '\0' && lua_getfield(L, -1, LUA_LOADLIBNAME) == LUA_TTABLE) {
    lua_pushstring(L, value);
    lua_setfield(L, -2, field);
  }
  lua_settop(L, 0);
}

/* (argv) */
static int prepare(lua_State *L) {
  char **argv = lua_touserdata(L, 1);
  set_path(L, "path", argv[PATH]);
  set_path(L, "cpath", argv[CPATH]);
  Birth b = {.rt = runtime_of(L),
             .link = pickle_link_new(L, PICKLE_LINK_SPAWN),
             .workers = (unsigned)strtoul(argv[WORKERS], NULL, 10),
             .cpus = (unsigned)strtoul(argv[CPUS], NULL, 10),
             .memory_limit = strtoull(argv[MEMORY_LIMIT], NULL, 10),
             .single = argv[SINGLE][0] != '0',
             .parent = (pid_t)strtol(argv[PARENT], NULL, 10),
             .socket = SPAWN_SOCKET,
             .event = SPAWN_EVENT};
  void *p = mmap(NULL, shared_size(b.workers), PROT_READ | PROT_WRITE, MAP_SHARED, SPAWN_MEMORY, 0);
  if (p == MAP_FAILED || getppid() != b.parent) _exit(WORKER_BROKEN);
  close(SPAWN_MEMORY);
  b.shared = p;
  for (int fd = SPAWN_SOCKET; fd <= SPAWN_EVENT; fd++) fcntl(fd, F_SETFD, FD_CLOEXEC);
  b.parent_pidfd = os_above_standard((int)syscall(SYS_pidfd_open, b.parent, 0));
  pickle_names_snapshot(L, b.link);
  b.L = lua_newthread(L);
  zygote_run(&b);
}

void spawn_main(lua_State *L, int argc, char **argv) {
  char form[LONGEST_FORM];
  spawn_use(runtime_of(L), "/proc/self/exe");
  write_form(form);
  if (argc != ARGUMENTS || strcmp(argv[FORM], form) != 0) _exit(WORKER_BROKEN); /* another version asks */
  lua_pushcfunction(L, prepare);
  lua_pushlightuserdata(L, argv);
  lua_pcall(L, 1, 0, 0);
  _exit(WORKER_BROKEN);
}
