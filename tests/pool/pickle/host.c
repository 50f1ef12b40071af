/* A parent and a worker in one process. */
#include "tests/pool/pickle/host.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>

#include "runtime/thread/error.h"

static _Noreturn void fail(lua_State *L) {
  fprintf(stderr, "host: %s\n", luaL_tolstring(L, -1, NULL));
  abort();
}

int host_run(lua_State *L, const char *chunk) {
  int top = lua_gettop(L);
  if (luaL_dostring(L, chunk) != LUA_OK) fail(L);
  return lua_gettop(L) - top;
}

static lua_State *new_state(const char *names) {
  lua_State *L = luaL_newstate();
  if (L == NULL) abort();
  luaL_openlibs(L);
  error_open(L);
  luaL_requiref(L, "gilua.pickle", lib_pickle_open, 0);
  lua_settop(L, 0);
  host_run(L, names);
  lua_settop(L, 0);
  return L;
}

void host_open(Host *h, const char *names, unsigned options) {
  h->parent = new_state(names);
  h->worker = new_state(names);
  h->here = pickle_link_new(h->parent, options);
  h->there = pickle_link_new(h->worker, options);
  pickle_link_become_worker(h->worker, h->there);
}

void host_close(Host *h) {
  pickle_link_free(h->parent, h->here);
  pickle_link_free(h->worker, h->there);
  lua_close(h->parent);
  lua_close(h->worker);
}

typedef struct Job {
  int n;
  PickleRoot root;
  PickleLink *link;
  PickleMessage *message;
  const void *bytes;
  size_t size;
  unsigned flags;
  int origins;
} Job;

static int dump(lua_State *L) {
  Job *job = lua_touserdata(L, -1);
  lua_pop(L, 1);
  pickle_dump(L, 1, job->n, job->root, job->link, job->message);
  return 0;
}

static int load(lua_State *L) {
  const Job *job = lua_touserdata(L, -1);
  lua_settop(L, 0);
  return pickle_load(L, job->bytes, job->size, job->link, job->flags, job->origins);
}

/* Calls f with the n values on top and the job. */
static int protect(lua_State *L, int n, lua_CFunction f, Job *job) {
  lua_pushcfunction(L, f);
  lua_insert(L, -n - 1);
  lua_pushlightuserdata(L, job);
  return lua_pcall(L, n + 1, LUA_MULTRET, 0);
}

static int deliver(lua_State *L, Job *job) {
  size_t size = pickle_message_size(job->message);
  void *bytes = malloc(size);
  if (bytes == NULL) abort();
  pickle_message_copy(job->message, bytes);
  job->bytes = bytes;
  job->size = size;
  int status = protect(L, 0, load, job);
  free(bytes);
  return status;
}

int host_send(Host *h, int n, PickleMessage *m) {
  Job job = {.n = n, .root = PICKLE_TASK, .link = h->here, .message = m, .flags = PICKLE_TASK_FLAGS, .origins = LUA_NOREF};
  int status = protect(h->parent, n, dump, &job);
  if (status != LUA_OK) return status;
  for (unsigned i = 0; i < m->ncodes; i++)
    if (pickle_link_define(h->there, m->codes[i]->id, m->codes[i]->bytes, m->codes[i]->size) != 0) abort();
  job.link = h->there;
  return deliver(h->worker, &job);
}

int host_return(Host *h, int n, const PickleMessage *task, unsigned flags) {
  PickleMessage m = {0};
  Job job = {.n = n, .root = PICKLE_RESULTS, .link = h->there, .message = &m, .flags = flags, .origins = task->origins};
  int status = protect(h->worker, n, dump, &job);
  if (status != LUA_OK) return status;
  job.link = h->here;
  status = deliver(h->parent, &job);
  pickle_message_free(h->worker, &m);
  return status;
}
