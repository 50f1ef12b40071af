/* Opening and closing an interpreter. */
#include "interp/state.h"

#include <assert.h>
#include <lauxlib.h>
#include <lualib.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "interp/libraries.h"
#include "interp/native.h"
#include "pool/futures/chunk.h"
#include "pool/futures/lib_futures.h"
#include "pool/pickle/pickle.h"
#include "pool/gearman/lib_gearman.h"
#include "pool/process/lib_process.h"
#include "runtime/native/lib_native.h"
#include "runtime/sync/blocking.h"
#include "runtime/io/lib_io.h"
#include "pool/multiprocessing/lib_multiprocessing.h"
#include "pool/multiprocessing/shared_handle.h"
#include "runtime/socket/lib_socket.h"
#include "runtime/sync/lib_sync.h"
#include "runtime/state/bypass.h"
#include "runtime/state/error.h"
#include "runtime/state/hook.h"
#include "runtime/thread/lib_thread.h"
#include "runtime/thread/shutdown.h"
#include "runtime/state/process.h"
#include "runtime/state/release.h"
#include "runtime/state/tstate.h"
#include "runtime/thread/thread.h"

/* ThreadSanitizer holds signals back until the next call that it intercepts; the VM makes none. */
#if defined(__SANITIZE_THREAD__)
enum { SIGNALS_ARRIVE = 0 };
#else
enum { SIGNALS_ARRIVE = 1 };
#endif

enum { LEAST_STACK = 1024 * 1024, LEAST_INTERVAL_NS = 1000, LONGEST_INTERVAL_NS = 1000000000 };

static bool signal_is_usable(int sig) {
  static const int reserved[] = {SIGINT, SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};
  for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
    if (sig == reserved[i]) return false;
  return sig >= 0 && sig < NSIG;
}

static bool config_is_valid(const gilua_Config *c) {
  bool interval = c->switch_interval_ns == 0 ||
                  (c->switch_interval_ns >= LEAST_INTERVAL_NS && c->switch_interval_ns <= LONGEST_INTERVAL_NS);
  return c->policy >= GILUA_POLICY_FAIR && c->policy <= GILUA_POLICY_TICKS && interval &&
         c->preempt >= GILUA_PREEMPT_SIGNAL && c->preempt <= GILUA_PREEMPT_NONE && signal_is_usable(c->signal_number) &&
         (c->stack_size_bytes == 0 || c->stack_size_bytes >= LEAST_STACK) && c->shutdown_timeout_ns >= 0 &&
         (c->libraries & ~(unsigned)GILUA_LIB_ALL) == 0;
}

/* What is to be opened; on the stack of the C function, which Lua calls protected. */
typedef struct Opening {
  State *state;
  const gilua_Config *config;
} Opening;

static Preempt preempt_of(const gilua_Config *c) {
  if (c->preempt == GILUA_PREEMPT_NONE) return PREEMPT_NONE;
  return c->preempt == GILUA_PREEMPT_SIGNAL && SIGNALS_ARRIVE ? PREEMPT_SIGNAL : PREEMPT_COUNT;
}

/* Before the runtime is known to anybody but the calling thread. */
static void configure(Runtime *rt, const gilua_Config *c) {
  static const Policy *const policies[] = {&policy_fair, &policy_interval, &policy_ticks};
  rt->stack_size = c->stack_size_bytes;
  rt->on_error = c->on_error;
  rt->on_error_data = c->on_error_data;
  rt->may_hear = c->handle_signals != 0;
  if (c->switch_interval_ns != 0) gil_set_interval(&rt->gil, c->switch_interval_ns);
  if (c->policy != GILUA_POLICY_FAIR) runtime_set_policy(rt, policies[c->policy]);
  blocking_install(rt);
}

/* The runtime of L; what may raise comes first, or leaves a State that can be closed. */
static void open_runtime(lua_State *L, State *state, bool attached, const gilua_Config *c) {
  luaL_checkversion(L);
  Runtime *rt = runtime_open(L, attached, preempt_of(c), c->signal_number);
  if (rt == NULL) luaL_error(L, "not enough memory");
  state->rt = rt;
  rt->heap = state->heap;
  rt->memory_most = attached ? 0 : c->memory_limit_bytes;
  configure(rt, c);
  native_offer(L);
  shared_array_register(L);
  shared_register(L);
  lua_pushcfunction(L, chunk_run);
  pickle_register(L, "gilua.run_chunk");
}

static int open_protected(lua_State *L) {
  Opening *o = lua_touserdata(L, 1);
  open_runtime(L, o->state, false, o->config);
#ifdef GILUA_HOSTILE
  lua_gc(L, LUA_GCINC, 1, 1000, 1); /* a collector step at every allocation */
#if LUA_VERSION_NUM > 504
  lua_gc(L, LUA_GCPARAM, LUA_GCPPAUSE, 1);
  lua_gc(L, LUA_GCPARAM, LUA_GCPSTEPMUL, 1000);
  lua_gc(L, LUA_GCPARAM, LUA_GCPSTEPSIZE, 1);
#endif
#endif
  if (o->config->ignore_environment) {
    lua_pushboolean(L, 1);
    lua_setfield(L, LUA_REGISTRYINDEX, "LUA_NOENV");
  }
  state_openlibs(L);
  libraries_restrict(L, o->config->libraries);
  return 0;
}

/* What a bare state lacks: the text of warn() comes in pieces, "more" says that another follows. Off until "@on". */
static void warn(void *data, const char *text, int more) {
  State *state = data;
  if (!state->amid_warning && !more && text[0] == '@') {
    if (strcmp(text, "@on") == 0) state->warnings = true;
    else if (strcmp(text, "@off") == 0) state->warnings = false;
    return;
  }
  if (!state->warnings) return;
  fprintf(stderr, "%s%s%s", state->amid_warning ? "" : "Lua warning: ", text, more ? "" : "\n");
  fflush(stderr);
  state->amid_warning = more;
}

/* The lock's owner alone allocates; a region of native work that uses Lua does not own it. */
static void *checked_alloc(void *ud, void *block, size_t old_size, size_t new_size) {
  State *state = ud;
  const Tstate *ts = tstate_self();
  if (state->rt != NULL && ts != NULL && ts->rt == state->rt)
    assert(gil_held(&ts->gil) && "Lua is used inside a region of native work, without the lock");
  if (state->heap != NULL) return heap_alloc(state->heap, block, old_size, new_size);
  return limit_alloc(&state->limit, block, old_size, new_size);
}

/* As luaL_newstate's: an error outside of a protected call ends the process, and says what it was. */
static int panic(lua_State *L) {
  const char *text = lua_tostring(L, -1);
  if (text == NULL) text = lua_checkstack(L, LUA_MINSTACK) ? luaL_tolstring(L, -1, NULL) : "error object is not a string";
  fprintf(stderr, "PANIC: unprotected error in call to Lua API (%s)\n", text);
  fflush(stderr);
  return 0;
}

static lua_State *new_lua(State *state, const gilua_Config *c) {
  size_t most = c->memory_limit_bytes;
  if (c->allocator == NULL) state->heap = heap_new(most);
  state->limit = (Limit){.alloc = c->allocator, .data = c->allocator_data, .most = most != 0 ? most : SIZE_MAX};
  if (c->allocator == NULL && state->heap == NULL) return NULL;
#ifndef NDEBUG
  return release_new_state(checked_alloc, state);
#else
  (void)checked_alloc;
  if (state->heap != NULL) return release_new_state(heap_alloc, state->heap);
  return most != 0 ? release_new_state(limit_alloc, &state->limit) : release_new_state(c->allocator, c->allocator_data);
#endif
}

int state_error(lua_State *L, int status) {
  if (status == LUA_ERRMEM || lua_type(L, -1) != LUA_TSTRING) return GILUA_ENOMEM;
  process_set_error(lua_tostring(L, -1));
  return GILUA_ELUA;
}

static int run_opening(State *state, lua_State *L, lua_CFunction f, const gilua_Config *c) {
  Opening o = {.state = state, .config = c};
  if (!lua_checkstack(L, 4)) return GILUA_ENOMEM;
  lua_pushcfunction(L, f);
  lua_pushlightuserdata(L, &o);
  int status = lua_pcall(L, 1, 0, 0);
  if (status == LUA_OK) return GILUA_OK;
  int err = state->rt != NULL ? state_error(L, status) : GILUA_ENOMEM;
  lua_pop(L, 1);
  return err;
}

static void free_heap(State *state) {
  if (state->heap != NULL) heap_free(state->heap);
  state->heap = NULL;
}

int state_open(State *state, const gilua_Config *config) {
  *state = (State){.warnings = config->warnings != 0};
  if (!config_is_valid(config)) return GILUA_EINVAL;
  int err = GILUA_ENOMEM;
  state->L = new_lua(state, config);
  if (state->L == NULL) goto fail;
  lua_setwarnf(state->L, warn, state);
  lua_atpanic(state->L, panic);
  err = run_opening(state, state->L, open_protected, config);
  if (err == GILUA_OK) return GILUA_OK;
  lua_close(state->L);
  if (state->rt != NULL) runtime_free(state->rt);
fail:
  free_heap(state);
  return err;
}

void state_close(State *state) {
  thread_reap(state->rt);
  lua_close(state->L);
  runtime_free(state->rt);
  free_heap(state);
}

static int attach_protected(lua_State *L) {
  Opening *o = lua_touserdata(L, 1);
  open_runtime(L, o->state, true, o->config);
  o->state->L = o->state->rt->L; /* L may be a coroutine, which is collected one day */
  lib_debug_adopt(L);
  bypass_note(L, o->state->rt);
  o->state->rt->main->gil.stirred = hook_stirred;
  lib_coroutine_replace(L);
  lib_require_replace(L);
  lib_debug_replace(L);
  lib_os_replace(L);
  state_register_modules(L);
  return 0;
}

int state_attach(State *state, lua_State *L, const gilua_Config *config) {
  *state = (State){.L = L};
  if (!config_is_valid(config)) return GILUA_EINVAL;
  int err = run_opening(state, L, attach_protected, config);
  if (state->rt != NULL) state->L = state->rt->L; /* L may be a coroutine, and collected before the end */
  if (err != GILUA_OK && state->rt != NULL) {
    runtime_forget(state->L);
    runtime_free(state->rt);
  }
  return err;
}

/* Puts the standard functions of one library back into its table. */
static void restore(lua_State *L, const char *name, lua_CFunction open) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (lua_getfield(L, -1, name) == LUA_TTABLE) {
    lua_pushcfunction(L, open);
    lua_call(L, 0, 1);
    for (lua_pushnil(L); lua_next(L, -2) != 0;) {
      lua_pushvalue(L, -2);
      lua_insert(L, -2);
      lua_rawset(L, -5);
    }
    lua_pop(L, 1);
  }
  lua_pop(L, 2);
}

static int detach_protected(lua_State *L) {
  Opening *o = lua_touserdata(L, 1);
  shutdown_detach(L, o->state->rt);
  restore(L, LUA_COLIBNAME, luaopen_coroutine);
  restore(L, LUA_DBLIBNAME, luaopen_debug);
  restore(L, LUA_OSLIBNAME, luaopen_os);
  lib_debug_yield(L);
  native_withdraw(L);
  return 0;
}

void state_detach(State *state) {
  thread_reap(state->rt);
  run_opening(state, state->L, detach_protected, NULL);
  hook_end(state->rt->main);
  runtime_forget(state->L);
  runtime_free(state->rt);
}

/* gilua.futures with the executors of every back end. */
static int open_futures(lua_State *L) {
  lib_futures_open(L);
  lib_process_add(L);
  lib_gearman_add(L);
  return 1;
}

void state_register_modules(lua_State *L) {
  static const luaL_Reg modules[] = {
      {"gilua", state_open_root},
      {"gilua.ctypes", lib_ctypes_open},
      {"gilua.futures", open_futures},
      {"gilua.gil", lib_gil_open},
      {"gilua.native", lib_native_open},
      {"gilua.pickle", lib_pickle_open},
      {"gilua.multiprocessing", lib_multiprocessing_open},
      {"gilua.queue", lib_queue_open},
      {"gilua.schedule", lib_schedule_open},
      {"gilua.signal", lib_signal_open},
      {"gilua.socket", lib_socket_open},
      {"gilua.threading", lib_threading_open},
      {"gilua.time", lib_time_open},
      {NULL, NULL},
  };
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  luaL_setfuncs(L, modules, 0);
  lua_pop(L, 1);
}

void state_openlibs(lua_State *L) {
  luaL_openlibs(L);
  bypass_note(L, runtime_of(L));
  lib_coroutine_replace(L);
  lib_require_replace(L);
  lib_debug_replace(L);
  lib_os_replace(L);
  lib_io_replace(L);
  state_register_modules(L);
}
