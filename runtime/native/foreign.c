/* The call of a C function by libffi. */
#include "runtime/native/foreign.h"

#include <errno.h>
#include <string.h>

#include "runtime/native/direct.h"
#include "runtime/native/keeps.h"
#include "runtime/native/pointer.h"
#include "runtime/native/signature_read.h"
#include "runtime/sync/blocking.h"
#include "runtime/state/error.h"
#include "runtime/state/options.h"
#include "runtime/state/text.h"

/* A C function as an upvalue of the Lua function that calls it; user value 1: a table of what it needs. */
typedef struct Foreign {
  ObjectHead head;
  void (*address)(void);
  bool release; /* the lock is left */
  bool direct;  /* called without libffi */
  char name[48];
  Signature signature;
} Foreign;

static const luaL_Reg no_methods[] = {{NULL, NULL}};
static const ObjectType foreign_type = {.name = "gilua.ctypes.function", .size = sizeof(Foreign),
                                        .methods = no_methods};

/* Room for any argument or result that is no struct. */
typedef union Slot {
  ffi_arg word;
  ffi_sarg sword;
  int64_t integer;
  double real;
  long double long_double;
  void *pointer;
} Slot;

typedef struct Arguments {
  Slot slots[FOREIGN_MAX_ARGS];
  void *values[FOREIGN_MAX_ARGS + 1];
  Buffer *buffers[FOREIGN_MAX_ARGS];
  unsigned nbuffers;
} Arguments;

static int argument_error(lua_State *L, const Foreign *f, int i, const char *why) {
  return luaL_error(L, "%s: argument %d: %s", f->name, i, why);
}

/* A struct by value: the memory that the argument at index i points at, or new memory on the stack, made from a table. */
static const char *prepare_struct(lua_State *L, const CType *type, int i, void **value) {
  const Pointer *p = pointer_test(L, i);
  if (p != NULL && p->count > 0 && ctype_same(p->type, type)) {
    *value = p->address;
    return NULL;
  }
  *value = pointer_new(L, type, 1)->address;
  return value_store(L, type, *value, i, lua_gettop(L));
}

/* Makes what the call needs in Lua: structs for arguments, and one for the result, on top of the stack. Before anything is
 * converted, for a finalizer that runs in an allocation may resize a buffer, or free it. Returns the result's memory. */
static void *prepare(lua_State *L, const Foreign *f, Arguments *a) {
  const Signature *s = &f->signature;
  for (unsigned i = 0; i < s->nargs; i++) {
    if (s->args[i]->kind != C_STRUCT) continue;
    const char *why = prepare_struct(L, s->args[i], (int)i + 1, &a->values[i]);
    if (why != NULL) argument_error(L, f, (int)i + 1, why);
  }
  if (s->ret->kind == C_STRUCT) return pointer_new(L, s->ret, 1)->address;
  luaL_checkstack(L, 4, NULL);
  return NULL;
}

/* Puts the argument at index i into slot n. Returns NULL, or why that cannot be. */
static const char *convert(lua_State *L, const CType *type, int i, unsigned n, Arguments *a) {
  Slot *slot = &a->slots[n];
  if (type->kind != C_STRUCT) a->values[n] = slot;
  switch (type->kind) {
    case C_DOUBLE: {
      int ok;
      slot->real = lua_tonumberx(L, i, &ok);
      if (ok && lua_type(L, i) == LUA_TNUMBER) return NULL;
      break;
    }
    case C_POINTER: case C_BUFFER: {
      Buffer *buffer = NULL;
      const char *why = value_address(L, type, i, &slot->pointer, &buffer);
      if (buffer != NULL) a->buffers[a->nbuffers++] = buffer;
      return why;
    }
    case C_STRUCT: return NULL; /* prepared */
    default: break;
  }
  return value_store(L, type, slot, i, 0);
}

/* The type of a value behind "...", by C's rules for such arguments. */
static const char *convert_open(lua_State *L, int i, unsigned n, Arguments *a, ffi_type **type) {
  Slot *slot = &a->slots[n];
  Buffer *buffer = NULL;
  a->values[n] = slot;
  *type = &ffi_type_pointer;
  switch (lua_type(L, i)) {
    case LUA_TNUMBER:
      *type = lua_isinteger(L, i) ? &ffi_type_sint64 : &ffi_type_double;
      if (lua_isinteger(L, i)) slot->integer = lua_tointeger(L, i);
      else slot->real = lua_tonumber(L, i);
      return NULL;
    case LUA_TBOOLEAN:
      *type = &ffi_type_sint64;
      slot->integer = lua_toboolean(L, i);
      return NULL;
    case LUA_TSTRING: {
      size_t len;
      slot->pointer = (void *)lua_tolstring(L, i, &len);
      return memchr(slot->pointer, '\0', len) == NULL ? NULL : "the string contains zeros, which would end it in C";
    }
    default: break;
  }
  if (pointer_test(L, i) != NULL) slot->pointer = pointer_test(L, i)->address;
  else if (lua_isnil(L, i)) slot->pointer = NULL;
  else if ((buffer = buffer_test(L, i)) == NULL || buffer->freed) return "this value cannot be passed behind \"...\"";
  if (buffer != NULL) slot->pointer = (a->buffers[a->nbuffers++] = buffer)->data;
  return NULL;
}

static int count_error(lua_State *L, const Foreign *f) {
  return luaL_error(L, "%s: %s%d argument%s expected, got %d", f->name, f->signature.open ? "at least " : "",
                    (int)f->signature.nargs, f->signature.nargs == 1 ? "" : "s", lua_gettop(L));
}

/* Pushes the result: `memory` is a struct's, whose pointer is on the stack already. */
static void push_result(lua_State *L, const CType *type, Slot *result) {
  switch (type->kind) {
    case C_VOID: case C_STRUCT: return;
    case C_DOUBLE: lua_pushnumber(L, result->real); return;
    case C_BOOL: lua_pushboolean(L, (result->word & 0xff) != 0); return;
    case C_CHAR: lua_pushinteger(L, (char)result->word); return; /* narrow integers come as whole words */
    case C_I8: lua_pushinteger(L, (int8_t)result->sword); return;
    case C_I16: lua_pushinteger(L, (int16_t)result->sword); return;
    case C_I32: lua_pushinteger(L, (int32_t)result->sword); return;
    case C_U8: lua_pushinteger(L, (uint8_t)result->word); return;
    case C_U16: lua_pushinteger(L, (uint16_t)result->word); return;
    case C_U32: lua_pushinteger(L, (uint32_t)result->word); return;
    default: value_push(L, type, result, 0); return;
  }
}

/* Fills the registers from the slots. */
static void load(const Signature *s, const Arguments *a, Registers *r) {
  unsigned integers = 0, reals = 0;
  for (unsigned i = 0; i < s->nargs; i++) {
    const Slot *slot = &a->slots[i];
    switch (s->args[i]->kind) {
      case C_DOUBLE: r->reals[reals++] = slot->real; break;
      case C_I32: r->integers[integers++] = *(const int32_t *)slot; break;
      case C_U32: r->integers[integers++] = *(const uint32_t *)slot; break;
      default: r->integers[integers++] = slot->integer; break;
    }
  }
}

static inline void call(const Foreign *f, ffi_cif *cif, Arguments *a, const Registers *r, void *result) {
  if (!f->direct) ffi_call(cif, f->address, result, a->values);
  else if (f->signature.ret->kind == C_DOUBLE) *(double *)result = direct_call_real(f->address, r);
  else *(int64_t *)result = direct_call_integer(f->address, r);
}

/* Makes two of the value that is split, among n. */
static void split_values(const Signature *s, void **values, unsigned n) {
  memmove(values + s->split + 1, values + s->split, (n - (unsigned)s->split) * sizeof *values);
  values[s->split + 1] = (char *)values[s->split] + sizeof(uint64_t);
}

/* The call itself; the arguments are converted. Returns false when a callback failed: the error is on top of L. */
static bool perform(lua_State *L, Tstate *ts, Foreign *f, ffi_cif *cif, Arguments *a, void *result) {
  ForeignCall frame = {.outer = ts->foreign, .L = L};
  Registers registers;
  if (f->direct) load(&f->signature, a, &registers);
  for (unsigned i = 0; i < a->nbuffers; i++) buffer_pin(a->buffers[i]);
  ts->foreign = &frame;
  if (f->release) blocking_begin(ts, f->name);
  errno = ts->c_errno;
  call(f, cif, a, &registers, result);
  ts->c_errno = errno;
  if (f->release) blocking_end(ts);
  ts->foreign = frame.outer;
  for (unsigned i = 0; i < a->nbuffers; i++) buffer_unpin(a->buffers[i]);
  return !frame.failed;
}

static int finish(lua_State *L, Tstate *ts, Foreign *f, ffi_cif *cif, Arguments *a, void *memory) {
  Slot slot;
  const CType *ret = f->signature.ret;
  int top = lua_gettop(L);
  if (!perform(L, ts, f, cif, a, memory != NULL ? memory : &slot)) return error_pass_on(L, LUA_ERRRUN);
  if (memory != NULL && ret->has_pointers) keeps_take(L, top, memory, ret->size, 1, top - 1);
  push_result(L, ret, &slot);
  return ret->kind == C_VOID ? 0 : 1;
}

/* The Lua function; upvalue: the Foreign */
static int call_fixed(lua_State *L) {
  Foreign *f = lua_touserdata(L, lua_upvalueindex(1));
  const Signature *s = &f->signature;
  Tstate *ts = park_self(L);
  Arguments a;
  a.nbuffers = 0;
  if ((unsigned)lua_gettop(L) != s->nargs) return count_error(L, f);
  void *memory = s->structs ? prepare(L, f, &a) : NULL;
  for (unsigned i = 0; i < s->nargs; i++) {
    const char *why = convert(L, s->args[i], (int)i + 1, i, &a);
    if (why != NULL) return argument_error(L, f, (int)i + 1, why);
  }
  if (s->split >= 0) split_values(s, a.values, s->nargs);
  return finish(L, ts, f, &f->signature.cif, &a, memory);
}

/* The same for a function whose last parameter is "...": the call is prepared each time. */
static int call_open(lua_State *L) {
  Foreign *f = lua_touserdata(L, lua_upvalueindex(1));
  const Signature *s = &f->signature;
  Tstate *ts = park_self(L);
  Arguments a;
  ffi_type *types[FOREIGN_MAX_ARGS + 1];
  ffi_cif cif;
  a.nbuffers = 0;
  unsigned n = (unsigned)lua_gettop(L);
  if (n < s->nargs) return count_error(L, f);
  if (n > FOREIGN_MAX_ARGS) return luaL_error(L, "%s: more than %d arguments", f->name, FOREIGN_MAX_ARGS);
  void *memory = prepare(L, f, &a);
  for (unsigned i = 0; i < n; i++) {
    const char *why;
    if (i < s->nargs) {
      types[i] = s->args[i]->ffi;
      why = convert(L, s->args[i], (int)i + 1, i, &a);
    } else {
      why = convert_open(L, (int)i + 1, i, &a, &types[i]);
    }
    if (why != NULL) return argument_error(L, f, (int)i + 1, why);
  }
  if (s->split >= 0) {
    split_values(s, a.values, n);
    n = signature_split_types(s, types, n);
  }
  if (!signature_prepare(s, &cif, s->nargs, n, types))
    return luaL_error(L, "%s: these arguments cannot be passed", f->name);
  return finish(L, ts, f, &cif, &a, memory);
}

static bool option_release(lua_State *L, int options) {
  static const Option known[] = {{"release", OPTION_FLAG, 0, 0, NULL}, {NULL, OPTION_FLAG, 0, 0, NULL}};
  if (options == 0 || lua_isnoneornil(L, options)) return true;
  luaL_checktype(L, options, LUA_TTABLE);
  lua_pushvalue(L, options);
  options_take(L, lua_gettop(L), "func", known, NULL);
  bool release = options_flag(L, -1, "release", true);
  lua_pop(L, 1);
  return release;
}

void foreign_push(lua_State *L, const char *name, void *address, int ret, int args, int options, int keep) {
  bool release = option_release(L, options);
  object_register(L, &foreign_type);
  Foreign *f = object_new(L, &foreign_type, 1);
  memcpy(&f->address, &address, sizeof address);
  f->release = release;
  size_t len = strlen(name);
  memcpy(f->name, name, len < sizeof f->name ? len : sizeof f->name - 1);
  lua_newtable(L);
  if (keep != 0) {
    lua_pushvalue(L, keep);
    lua_rawseti(L, -2, 1);
  }
  signature_read(L, &f->signature, ret, args, true);
  f->direct = direct_possible(&f->signature);
  lua_setiuservalue(L, -2, 1);
  lua_pushcclosure(L, f->signature.open ? call_open : call_fixed, 1);
}
