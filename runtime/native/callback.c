/* What happens when C calls a callback.
 *
 * Where the calling thread stands          what is done
 *   in a call by ctypes, lock left         retakes the lock, runs the function on the coroutine that made the call,
 *                                          leaves the lock again
 *   in a call that kept the lock           runs the function
 *   in no call by ctypes, but known        the same two, by Tstate.blocking; an error is reported, not carried over
 *   unknown to the runtime                 enters it for the length of the call
 *
 * C may call it at any time, also from a thread that it makes later: while one exists, nobody claims that every thread
 * waits in vain (deadlock_external).
 *
 * An error is caught here, since a jump over the frames of C would leave its locks held and its memory lost. It is kept
 * for the Lua caller of the C function; until that returns, its callbacks answer zero without being run.
 */
#include "runtime/native/callback.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runtime/native/foreign.h"
#include "runtime/native/pointer.h"
#include "runtime/native/signature_read.h"
#include "runtime/sync/blocking.h"
#include "runtime/sync/deadlock.h"
#include "runtime/state/error.h"
#include "runtime/thread/visit.h"

/* One call by C. */
typedef struct Invocation {
  Callback *callback;
  void *result;
  void **args;
} Invocation;

/* Writes the Lua result on top of the stack for libffi, which wants narrow integers as whole words. */
static const char *store_result(lua_State *L, const CType *type, void *result) {
  if (type->kind == C_VOID) return NULL;
  if (type->kind == C_POINTER && lua_type(L, -1) == LUA_TSTRING) return "C would keep a string's address: return a pointer";
  const char *why = value_store(L, type, result, lua_gettop(L), 0);
  if (why != NULL || type->size >= sizeof(ffi_arg) || !(ctype_is_integer(type) || type->kind == C_BOOL)) return why;
  switch (type->kind) {
    case C_CHAR: *(ffi_sarg *)result = *(char *)result; break;
    case C_I8: *(ffi_sarg *)result = *(int8_t *)result; break;
    case C_I16: *(ffi_sarg *)result = *(int16_t *)result; break;
    case C_I32: *(ffi_sarg *)result = *(int32_t *)result; break;
    case C_U16: *(ffi_arg *)result = *(uint16_t *)result; break;
    case C_U32: *(ffi_arg *)result = *(uint32_t *)result; break;
    default: *(ffi_arg *)result = *(uint8_t *)result; break;
  }
  return NULL;
}

static void clear_result(const Invocation *call) {
  size_t size = call->callback->signature.ret->size;
  memset(call->result, 0, size < sizeof(ffi_arg) ? sizeof(ffi_arg) : size);
}

/* Runs the Lua function, protected; argument: the Invocation */
static int run_protected(lua_State *L) {
  Invocation *call = lua_touserdata(L, 1);
  const Signature *s = &call->callback->signature;
  luaL_checkstack(L, (int)s->nargs + 8, "too many arguments of a callback");
  lua_rawgeti(L, LUA_REGISTRYINDEX, call->callback->function_ref);
  for (unsigned i = 0; i < s->nargs; i++) {
    if (s->args[i]->kind != C_STRUCT) {
      value_push(L, s->args[i], call->args[i], 0);
    } else { /* C's copy ends with the call */
      memcpy(pointer_new(L, s->args[i], 1)->address, call->args[i], s->args[i]->size);
    }
  }
  lua_call(L, (int)s->nargs, s->ret->kind == C_VOID ? 0 : 1);
  const char *why = store_result(L, s->ret, call->result);
  return why == NULL ? 0 : luaL_error(L, "result of a callback: %s", why);
}

static void report(lua_State *L) {
  fprintf(stderr, "gilua: error in a callback that C called outside of any call by ctypes: %s\n",
          error_push_report(L, -1));
  lua_pop(L, 2);
}

/* Runs it on L, with the lock; an error is left where the caller of the C function finds it. */
static void run(lua_State *L, ForeignCall *frame, Invocation *call) {
  if (!lua_checkstack(L, 8)) {
    fprintf(stderr, "gilua: a callback was not run: no room on the Lua stack\n");
    return;
  }
  call->callback->running++;
  lua_pushcfunction(L, error_traceback_handler);
  lua_pushcfunction(L, run_protected);
  lua_pushlightuserdata(L, call);
  int status = lua_pcall(L, 1, 0, -3);
  lua_remove(L, status == LUA_OK ? -1 : -2);
  call->callback->running--;
  if (status == LUA_OK) return;
  clear_result(call);
  if (frame != NULL && frame->L == L) frame->failed = true;
  else report(L);
}

/* The runtime that the callback was made in has its door still. */
static bool has_door(const Callback *callback) {
  return callback->door == NULL || atomic_load(&callback->door->serial) == callback->serial;
}

/* The thread's state in the callback's runtime, or NULL. */
static Tstate *state_in(const Callback *callback) {
  Tstate *ts = tstate_self();
  while (ts != NULL && (ts->rt != callback->rt || ts->rt->door != callback->door)) ts = ts->outer;
  return ts != NULL && has_door(callback) ? ts : NULL;
}

/* A thread that the runtime does not know comes in for the length of the call. */
static void enter_as_stranger(Callback *callback, Invocation *call) {
  lua_State *L;
  Door *door = callback->door;
  if (door == NULL || !has_door(callback) || visit_enter(door, &L) != VISIT_OK) {
    fprintf(stderr, "gilua: a callback was not run: its runtime is closing or closed, or there is not enough memory\n");
    return;
  }
  if (has_door(callback)) run(L, NULL, call); /* inside, nobody else gets the door */
  visit_leave(door);
}

/* What C calls. */
static void enter(ffi_cif *cif, void *result, void **args, void *user) {
  Callback *callback = user;
  Invocation call = {callback, result, args};
  int saved = errno;
  (void)cif;
  clear_result(&call);
  Tstate *ts = state_in(callback);
  if (ts == NULL) {
    enter_as_stranger(callback, &call);
    return;
  }
  if (ts->foreign != NULL && ts->foreign->failed) return;
  int depth = ts->blocking;
  const char *doing = ts->doing;
  if (depth > 0) {
    ts->blocking = 1; /* out of all the regions at once */
    blocking_end(ts);
  }
  ForeignCall *frame = ts->foreign;
  run(ts->current, frame, &call);
  ts->foreign = frame;
  if (depth > 0) {
    blocking_begin(ts, doing);
    ts->blocking = depth;
  }
  errno = saved;
}

int callback_new(lua_State *L) {
  object_check_last(L, 3);
  object_check_callable(L, 1);
  lua_settop(L, 3);
  Callback *callback = object_new(L, &callback_type, 1);
  Runtime *rt = park_self(L)->rt;
  callback->rt = rt;
  callback->door = rt->door;
  callback->serial = rt->door != NULL ? atomic_load(&rt->door->serial) : 0;
  callback->function_ref = callback->self_ref = LUA_NOREF;
  lua_newtable(L);
  signature_read(L, &callback->signature, 2, 3, false);
  lua_setiuservalue(L, 4, 1);
  if (callback->signature.variadic) return luaL_error(L, "a callback cannot be variadic");
  if (callback->signature.ret->kind == C_POINTER && ctype_is_string(callback->signature.ret))
    return luaL_error(L, "a callback cannot return a Lua string: C would keep its address; return a pointer");
  lua_pushvalue(L, 1);
  callback->function_ref = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_pushvalue(L, 4);
  callback->self_ref = luaL_ref(L, LUA_REGISTRYINDEX);
  callback->closure = ffi_closure_alloc(sizeof(ffi_closure), &callback->code);
  if (callback->closure == NULL) return luaL_error(L, "not enough memory for a callback");
  if (ffi_prep_closure_loc(callback->closure, &callback->signature.cif, enter, callback, callback->code) != FFI_OK)
    return luaL_error(L, "libffi cannot make a callback with this signature");
  callback->counted = true;
  deadlock_external(park_self(L), 1);
  return 1;
}

/* cb:free() and __close: C must not call it any more */
static int callback_free(lua_State *L) {
  Callback *callback = object_check(L, 1, &callback_type);
  if (callback->running > 0) return luaL_error(L, "the callback is running");
  luaL_unref(L, LUA_REGISTRYINDEX, callback->function_ref);
  luaL_unref(L, LUA_REGISTRYINDEX, callback->self_ref);
  callback->function_ref = callback->self_ref = LUA_NOREF;
  callback->code = NULL;
  if (callback->closure != NULL) ffi_closure_free(callback->closure);
  callback->closure = NULL;
  Tstate *ts = state_in(callback);
  if (callback->counted && ts != NULL) deadlock_external(ts, -1);
  callback->counted = false;
  return 0;
}

/* Only when the state closes, or after it was freed: until then the registry has it. */
static int callback_gc(lua_State *L) {
  Callback *callback = object_check(L, 1, &callback_type);
  if (callback->closure != NULL && callback->running == 0) ffi_closure_free(callback->closure);
  callback->closure = NULL;
  callback->code = NULL;
  return 0;
}

static int callback_tostring(lua_State *L) {
  const Callback *callback = object_check(L, 1, &callback_type);
  if (callback->code == NULL) lua_pushliteral(L, "callback (freed)");
  else lua_pushfstring(L, "callback: %p", callback->code);
  return 1;
}

static const luaL_Reg callback_methods[] = {{"free", callback_free}, {NULL, NULL}};
static const luaL_Reg callback_meta[] = {
    {"__close", callback_free}, {"__gc", callback_gc}, {"__tostring", callback_tostring}, {NULL, NULL}};

const ObjectType callback_type = {.name = "gilua.ctypes.callback",
                                  .size = sizeof(Callback),
                                  .methods = callback_methods,
                                  .meta = callback_meta};

void callback_open(lua_State *L) { object_register(L, &callback_type); }
