/* A parent and a worker in one process. */
#include "tests/pool/pickle/host.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>

#include "pool/pickle/link.h"
#include "pool/pickle/modules.h"
#include "runtime/state/error.h"

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

/* Pushes what the keys on top of the parent's stack lead to in the worker, for its list. */
static void push_counterpart(Host *h, int n) {
  lua_State *L = h->worker;
  modules_push_loaded(L);
  int loaded = lua_gettop(L);
  for (int i = n; i > 0; i--) {
    lua_pushstring(L, lua_tostring(h->parent, -i));
    if (i == n) names_push_root(L, loaded);
    else if (lua_istable(L, -2)) lua_rawget(L, -2);
    if (i != n) lua_remove(L, -2);
  }
  lua_remove(L, loaded);
}

void host_fork(Host *h) {
  lua_State *P = h->parent, *W = h->worker;
  Names names;
  pickle_names_snapshot(P, h->here);
  pickle_names_snapshot(W, h->there); /* what it makes is replaced */
  refs_free(&h->there->known);
  h->there->nknown = h->here->nknown;
  names_collect(P, &names, NAMES_ALL, 0, 0);
  modules_push_loaded(P);
  lua_rawgeti(W, LUA_REGISTRYINDEX, h->there->objects);
  for (lua_Integer number = 1; number <= h->here->nknown; number++) {
    int top = lua_gettop(P);
    bool added;
    unsigned level = 0;
    link_push_known(P, h->here, (uint64_t)number);
    int n = names_push(P, &names, top + 1, top);
    if (n > 0) push_counterpart(h, n);
    else lua_pushnil(W);
    link_known(P, h->here, top + 1, &level);
    if (!lua_isnil(W, -1)) refs_add(&h->there->known, lua_topointer(W, -1), (size_t)number << 2 | level, &added);
    lua_rawseti(W, -2, number);
    lua_settop(P, top);
  }
  lua_pop(P, 1);
  lua_pop(W, 1);
  names_free(P, &names);
}

void host_open(Host *h, const char *names, unsigned options) {
  h->parent = new_state(names);
  h->worker = new_state(names);
  h->here = pickle_link_new(h->parent, options);
  h->there = pickle_link_new(h->worker, options);
  pickle_link_become_worker(h->worker, h->there);
  if ((options & PICKLE_LINK_SPAWN) == 0) host_fork(h);
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
