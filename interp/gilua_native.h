/* gilua for native modules: C functions called from Lua that leave the lock while they work. C11 and C++, GCC or Clang.
 *
 *   static int l_sum(lua_State *L) {
 *     double result;
 *     my_Job job = …;                                // no Lua values in here: only what you copied or pinned
 *     GILUA_BLOCKING(L) { result = my_sum(&job); }   // other threads run Lua meanwhile
 *     lua_pushnumber(L, result);
 *     return 1;
 *   }
 *
 *   int luaopen_my(lua_State *L) {
 *     gilua_module(L, "my", GILUA_MANY_RUNTIMES);
 *     …
 *   }
 *
 * Inside a region nothing of Lua may be touched: no lua_State, no string or userdata of Lua that nothing keeps alive.
 * Builds of gilua with asserts catch much of that. A module that uses this header is linked to nothing of ours: the
 * functions are found through the Lua state when first used. In a plain Lua host without a runtime, regions do nothing,
 * and the module works as any other.
 *
 * Compiled without NDEBUG, a jump out of a GILUA_BLOCKING block (return, break, goto) ends the process with a message;
 * with NDEBUG the lock is still taken back. A longjmp or a lua_error out of it is always a fault.
 */
#ifndef GILUA_NATIVE_H
#define GILUA_NATIVE_H

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#ifndef NDEBUG
#include <stdio.h>
#include <stdlib.h>
#endif

#include "gilua.h" /* the codes of errors; nothing of it is linked */

#ifdef __cplusplus
extern "C" {
#endif

#include <lauxlib.h>
#include <lua.h>

/* The ABI tag that a module is compiled with: major * 100 + minor. A runtime loads modules of its own major version, up
 * to its own minor one. */
#define GILUA_ABI 101

/* Flags of gilua_module. */
enum {
  GILUA_ONE_RUNTIME = 0,  /* the module has state of its own that two runtimes must not share */
  GILUA_MANY_RUNTIMES = 1 /* safe in several runtimes of one process at once: no statics, or guarded ones */
};

/* A typed array outside the Lua heap (gilua.native.buffer). */
typedef struct gilua_Buffer {
  void *data;       /* stays where it is while pinned */
  size_t length;    /* elements */
  size_t item_size; /* bytes of one */
  const char *type; /* "f64", "f32", "i64", "i32" or "u8"; a constant */
} gilua_Buffer;

/* What the runtime offers, found in the registry of L. The order is fixed; a minor version only adds at the end. */
typedef struct gilua_Native {
  int abi;
  int size;
  void (*module)(lua_State *L, const char *name, int abi, int flags);
  void (*blocking_begin)(lua_State *L);
  void (*blocking_end)(lua_State *L);
  int (*blocking_call)(lua_State *L, void (*fn)(void *), void *arg, void (*unblock)(void *), void *unblock_arg);
  int (*wait_fd)(lua_State *L, int fd, int events, int64_t deadline_ns);
  void (*check)(lua_State *L);
  int (*buffer_check)(lua_State *L, int index, const char *type, gilua_Buffer *out);
  int (*buffer_pin)(lua_State *L, int index);
  void (*buffer_unpin)(lua_State *L, int index);
  /* since 1.1 */
  int (*offload)(lua_State *L, int nargs, int nresults);
  int (*submit)(lua_State *L, int pool, int nargs);
  int (*result)(lua_State *L, int nresults, int64_t deadline_ns);
} gilua_Native;

#define GILUA_NATIVE_KEY "gilua.native.abi"

/* One a module, all its files together. Regions end without the state, so it must be known then. */
__attribute__((weak, visibility("hidden"))) const gilua_Native *gilua_native_found;

/* Needs the lock. NULL without a runtime. */
static inline const gilua_Native *gilua_native(lua_State *L) {
  const gilua_Native *n = __atomic_load_n(&gilua_native_found, __ATOMIC_ACQUIRE);
  if (n != NULL) return n;
  if (!lua_checkstack(L, 1)) return NULL;
  lua_getfield(L, LUA_REGISTRYINDEX, GILUA_NATIVE_KEY);
  n = (const gilua_Native *)lua_touserdata(L, -1);
  lua_pop(L, 1);
  if (n != NULL && n->abi / 100 != GILUA_ABI / 100) n = NULL; /* gilua_module has the message */
  if (n != NULL) __atomic_store_n(&gilua_native_found, n, __ATOMIC_RELEASE);
  return n;
}

/* gilua_module declares the module; call it first in luaopen_…. Raises: compiled for another gilua; in use in another
 * runtime of this process, if it is GILUA_ONE_RUNTIME. Does nothing without a runtime. Lock: needs it. */
static inline void gilua_module(lua_State *L, const char *name, int flags) {
  const gilua_Native *n;
  luaL_checkstack(L, 1, NULL);
  lua_getfield(L, LUA_REGISTRYINDEX, GILUA_NATIVE_KEY);
  n = (const gilua_Native *)lua_touserdata(L, -1);
  lua_pop(L, 1);
  if (n != NULL) n->module(L, name, GILUA_ABI, flags);
}

/* gilua_blocking_begin leaves the lock, gilua_blocking_end takes it back, in turn, for ever. They nest; inside a
 * finalizer the lock is kept. L is the state that the function was called with. Keep errno. Nobody waiting, the two
 * cost some 30 ns. Threads: one that runs Lua. Lock: needs it; drops it between the two. Raise nothing. */
static inline void gilua_blocking_begin(lua_State *L) {
  const gilua_Native *n = gilua_native(L);
  if (n != NULL) n->blocking_begin(L);
}
static inline void gilua_blocking_end(lua_State *L) {
  const gilua_Native *n = __atomic_load_n(&gilua_native_found, __ATOMIC_ACQUIRE);
  if (n != NULL) n->blocking_end(L);
}

/* A region as a block: GILUA_BLOCKING(L) { … }. `continue` ends it; nothing else may jump out of it. */
typedef struct gilua_Region {
  lua_State *L;
  int done;
} gilua_Region;

static inline gilua_Region gilua_region_begin(lua_State *L) {
  gilua_Region r;
  r.L = L;
  r.done = 0;
  gilua_blocking_begin(L);
  return r;
}

static inline void gilua_region_end(gilua_Region *r) {
  gilua_blocking_end(r->L);
#ifndef NDEBUG
  if (!r->done) {
    fputs("gilua: a jump out of a GILUA_BLOCKING block (return, break or goto)\n", stderr);
    abort();
  }
#endif
}

#define GILUA_BLOCKING(L)                                                                                              \
  for (gilua_Region gilua_region_ __attribute__((cleanup(gilua_region_end))) = gilua_region_begin(L);                  \
       !gilua_region_.done; gilua_region_.done = 1)

/* gilua_blocking_call runs fn(arg) in a region. On Ctrl-C, cancel or exit meanwhile another thread calls
 * unblock(unblock_arg), once, to make fn return early: never after gilua_blocking_call has returned, but perhaps just
 * before or after fn waits, so it must leave something that fn finds (a flag, a byte in a pipe). unblock must neither
 * use Lua nor wait. NULL: fn cannot be ended.
 * Returns 0 if fn ran; GILUA_EINTERRUPTED if something is to be raised now: *before* fn, which did not run, or during
 * it. Clean up, then gilua_check(L). Lock: needs it, drops it. Raises nothing. Whether fn ran, only it knows. */
static inline int gilua_blocking_call(lua_State *L, void (*fn)(void *arg), void *arg, void (*unblock)(void *arg),
                                      void *unblock_arg) {
  const gilua_Native *n = gilua_native(L);
  if (n != NULL) return n->blocking_call(L, fn, arg, unblock, unblock_arg);
  fn(arg);
  return 0;
}

/* clock_gettime, which <time.h> hides in strict C11; 1 is CLOCK_MONOTONIC. */
int gilua_clock_gettime_(int clock, struct timespec *now) __asm__("clock_gettime");

/* gilua_wait_fd waits until fd is ready for `events` (POLLIN, POLLOUT, … of poll.h), or in error. deadline_ns is
 * absolute, CLOCK_MONOTONIC; INT64_MAX: for ever. Returns what poll says (> 0), 0 at the deadline, GILUA_EINTERRUPTED
 * if something is to be raised: clean up, then gilua_check(L); GILUA_EFINALIZER inside a finalizer if fd is not ready
 * at once. Lock: needs it, drops it. Without a runtime: plain poll(2). */
static inline int gilua_wait_fd(lua_State *L, int fd, int events, int64_t deadline_ns) {
  const gilua_Native *n = gilua_native(L);
  if (n != NULL) return n->wait_fd(L, fd, events, deadline_ns);
  for (;;) {
    struct pollfd p;
    struct timespec now;
    int64_t ms = -1;
    p.fd = fd;
    p.events = (short)events;
    p.revents = 0;
    if (deadline_ns != INT64_MAX) {
      gilua_clock_gettime_(1, &now);
      ms = (deadline_ns - ((int64_t)now.tv_sec * 1000000000 + now.tv_nsec) + 999999) / 1000000;
      if (ms < 0) ms = 0;
      if (ms > 1000000000) ms = 1000000000;
    }
    int ready = poll(&p, 1, (int)ms);
    if (ready > 0) return p.revents;
    if (ready < 0 && errno != EINTR) return POLLERR;
    if (ready == 0 && ms < 1000000000) return 0;
  }
}

/* gilua_check lets a thread that waits for the lock have it, if it is time, and raises a pending interrupt or cancel:
 * for long loops that keep the lock. Costs a few ns when nothing is to be done. Lock: needs it, may drop it. Raises. */
static inline void gilua_check(lua_State *L) {
  const gilua_Native *n = gilua_native(L);
  if (n != NULL) n->check(L);
}

/* gilua_buffer_check reads the typed array at index, of that type unless NULL, into *out; an argument error if it is
 * none. gilua_buffer_pin keeps it where it is, so that a region may use it; gilua_buffer_unpin, with the lock, undoes
 * that; counted. Return 0 or GILUA_ENOMEM. Without gilua.native: an argument error. Lock: need it. */
static inline int gilua_buffer_check(lua_State *L, int index, const char *type, gilua_Buffer *out) {
  const gilua_Native *n = gilua_native(L);
  if (n == NULL || n->buffer_check == NULL) return luaL_argerror(L, index, "buffers need gilua.native");
  return n->buffer_check(L, index, type, out);
}
static inline int gilua_buffer_pin(lua_State *L, int index) {
  const gilua_Native *n = gilua_native(L);
  if (n == NULL || n->buffer_pin == NULL) return luaL_argerror(L, index, "buffers need gilua.native");
  return n->buffer_pin(L, index);
}
static inline void gilua_buffer_unpin(lua_State *L, int index) {
  const gilua_Native *n = gilua_native(L);
  if (n != NULL && n->buffer_unpin != NULL) n->buffer_unpin(L, index);
}

/* Lua functions in other processes. Function, arguments and results travel as those of gilua.futures'
 * ProcessPoolExecutor do: a Lua function as a copy with what it captures, a C function by its name. Where no pool is
 * given it is the runtime's shared one: made by the first call, with a worker for each processor, closed when the
 * program ends. Its workers know the globals and modules of the moment when it was made.
 *
 * What fails returns GILUA_ELUA, and one value stands where the function (or the future) stood: the error, as lua_pcall
 * gives it. That is what the task raised, or an error object: pickle (something cannot be sent), worker_died,
 * broken_pool, interrupted or cancelled (of the thread that waits), finalizing. `return lua_error(L)` passes it on. */
static inline const gilua_Native *gilua_native_pool_(lua_State *L) {
  const gilua_Native *n = gilua_native(L);
  return n != NULL && n->size >= (int)sizeof *n ? n : NULL;
}
static inline int gilua_no_pool_(lua_State *L, int base) {
  lua_settop(L, base);
  lua_pushliteral(L, "no runtime of gilua with a process pool");
  return GILUA_ELUA;
}

/* gilua_offload calls a Lua function in the shared process pool: the function and, above it, nargs arguments are
 * replaced by nresults results (LUA_MULTRET: all of them). If the thread is cancelled or interrupted meanwhile, so is
 * the task. In a worker of a pool, and without a runtime, it is called at once, here.
 * Returns 0 or GILUA_ELUA. Threads: one that runs Lua. Lock: needs it, drops it. Blocks: until the task is done. */
static inline int gilua_offload(lua_State *L, int nargs, int nresults) {
  const gilua_Native *n = gilua_native_pool_(L);
  if (n != NULL) return n->offload(L, nargs, nresults);
  return lua_pcall(L, nargs, nresults, 0) == LUA_OK ? GILUA_OK : GILUA_ELUA;
}

/* gilua_submit begins the same and does not wait for it: function and arguments are replaced by a Future, an object of
 * Lua with the methods done, cancel, add_done_callback and so on. pool is the stack index of an executor, of any kind
 * in gilua.futures, or 0: the shared pool. Returns 0 or GILUA_ELUA (without a runtime always). Threads: one that runs
 * Lua. Lock: needs it. Blocks: no, but that an executor with max_pending waits for room. */
static inline int gilua_submit(lua_State *L, int pool, int nargs) {
  const gilua_Native *n = gilua_native_pool_(L);
  return n != NULL ? n->submit(L, pool, nargs) : gilua_no_pool_(L, lua_gettop(L) - nargs - 1);
}

/* gilua_result waits for the Future on top of the stack and replaces it by nresults results. deadline_ns is as in
 * gilua_wait_fd. Returns 0, GILUA_ELUA, or GILUA_ETIMEOUT or GILUA_ENOMEM, when the future is still there. Threads: any
 * that runs Lua, also several, and again and again, for one future. Lock: needs it, drops it. Blocks. */
static inline int gilua_result(lua_State *L, int nresults, int64_t deadline_ns) {
  const gilua_Native *n = gilua_native_pool_(L);
  return n != NULL ? n->result(L, nresults, deadline_ns) : gilua_no_pool_(L, lua_gettop(L) - 1);
}

#ifdef __cplusplus
}
#endif

#endif
