/* gilua.ctypes: calls any C library.
 *
 *   local libm = ctypes.load("libm.so.6")                          nil: the program itself; "m"; options {global = false}
 *   local cos = libm:func("cos", "double", {"double"} [, {release = true}])
 *   libm:symbol(name)  libm:var(name, type)                        a void*; a pointer to a variable
 *   ctypes.func(pointer, ret, args [, options])                    a function at an address
 *   ctypes.new(type [, n | values])                                a pointer to new, zeroed memory
 *   ctypes.struct{ {"x", "double"}, … }  ctypes.union{ … }         types; calling one makes a value
 *   ctypes.type(name)  ctypes.pointer(type)  ctypes.array(type, n)
 *   ctypes.cast(type, pointer | address | buffer)
 *   ctypes.callback(f, ret, args)                                  lives until cb:free(), or the end
 *   ctypes.string(pointer [, n])  ctypes.copy(to, from [, n])
 *   ctypes.sizeof(x)  ctypes.alignof(x)  ctypes.offsetof(struct, field)  ctypes.typeof(pointer)  ctypes.addressof(x)
 *   ctypes.errno([new])  ctypes.strerror([number])
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/native/callback.h"
#include "runtime/native/foreign.h"
#include "runtime/native/keeps.h"
#include "runtime/native/lib_native.h"
#include "runtime/native/pointer.h"
#include "runtime/state/options.h"
#include "runtime/state/own_code.h"
#include "runtime/state/scarce.h"
#include "runtime/state/text.h"

typedef struct Library {
  ObjectHead head;
  void *handle; /* [i] never closed: functions and callbacks of it may be anywhere */
} Library;      /* user value 1: its name */

static const ObjectType library_type;

static Library *check_library(lua_State *L, int i) { return object_check(L, i, &library_type); }

static const char *library_name(lua_State *L, int i) {
  lua_getiuservalue(L, i, 1);
  return lua_tostring(L, -1);
}

enum { PROBLEM = 512, LONGEST_NAME = 256, NEWEST_VERSION = 99 };

/* What dlerror says, which is of this thread until its next call. */
static void note_problem(char *problem) { snprintf(problem, PROBLEM, "%s", dlerror()); }

/* Copies what is short for a library, "m" of "m" and "libm.so"; false for a path, a version, or what is too long. */
static bool short_name(char copy[LONGEST_NAME], const char *name) {
  size_t n = name != NULL ? strlen(name) : 0;
  if (n == 0 || n >= LONGEST_NAME || strchr(name, '/') != NULL) return false;
  bool whole = n > 6 && strncmp(name, "lib", 3) == 0 && strcmp(name + n - 3, ".so") == 0;
  if (!whole && strstr(name, ".so") != NULL) return false;
  snprintf(copy, LONGEST_NAME, "%.*s", (int)(whole ? n - 6 : n), whole ? name + 3 : name);
  return true;
}

/* "m": libm.so, which packages for development have, and which may be a text for the linker; else the newest version. */
static void *open_short(const char *name, int flags, char *problem) {
  char file[LONGEST_NAME + 16];
  snprintf(file, sizeof file, "lib%s.so", name);
  void *handle = dlopen(file, flags);
  if (handle == NULL) note_problem(problem);
  for (int version = NEWEST_VERSION; handle == NULL && version >= 0; version--) {
    snprintf(file, sizeof file, "lib%s.so.%d", name, version);
    handle = dlopen(file, flags);
  }
  return handle;
}

/* Opens the library of that name. The loader reads files: without the lock. */
static void *open_library(lua_State *L, const char *name, int flags, char *problem) {
  char copy[LONGEST_NAME];
  bool is_short = short_name(copy, name);
  Tstate *ts = park_self(L);
  blocking_begin(ts, "load");
  void *handle = dlopen(name, flags);
  if (handle == NULL) note_problem(problem);
  if (handle == NULL && is_short) handle = open_short(copy, flags, problem);
  int err = handle == NULL ? scarce_descriptors() : 0;
  if (err != 0) snprintf(problem, PROBLEM, "%s", strerror(err));
  else if (handle == NULL) strncat(problem, " (give its file name, as libm.so.6, or a path)", PROBLEM - strlen(problem) - 1);
  blocking_end(ts);
  return handle;
}

static int ctypes_load(lua_State *L) {
  static const Option known[] = {{"global", OPTION_FLAG, 0, 0, NULL}, {NULL, OPTION_FLAG, 0, 0, NULL}};
  const char *name = text_opt(L, 1);
  options_take(L, 2, "load", known, NULL);
  int flags = options_flag(L, 2, "global", false) ? RTLD_NOW | RTLD_GLOBAL : RTLD_NOW;
  lua_settop(L, 1);
  char problem[PROBLEM];
  Library *library = object_new(L, &library_type, 1);
  lua_pushstring(L, name == NULL ? "the program" : name);
  lua_setiuservalue(L, 2, 1);
  library->handle = open_library(L, name, flags, problem);
  if (library->handle == NULL)
    return luaL_error(L, "cannot load library '%s': %s", name, problem);
  lua_settop(L, 2);
  return 1;
}

/* Returns the address of the symbol named at index 2. */
static void *find(lua_State *L, const Library *library) {
  const char *name = text_check(L, 2);
  void *address = dlsym(library->handle, name);
  if (address == NULL) luaL_error(L, "%s has no symbol '%s'", library_name(L, 1), name);
  return address;
}

/* lib:func(name, ret, args [, options]) */
static int library_func(lua_State *L) {
  Library *library = check_library(L, 1);
  object_check_last(L, 5);
  lua_settop(L, 5);
  void *address = find(L, library);
  foreign_push(L, lua_tostring(L, 2), address, 3, 4, 5, 1);
  return 1;
}

static int library_symbol(lua_State *L) {
  void *address = find(L, check_library(L, 1));
  lua_pushliteral(L, "void");
  pointer_push(L, ctype_check(L, -1), address, POINTER_UNKNOWN, 1);
  return 1;
}

static int library_var(lua_State *L) {
  object_check_last(L, 3);
  void *address = find(L, check_library(L, 1));
  const CType *type = ctype_check(L, 3);
  if (type->kind == C_ARRAY) pointer_push(L, type->element, address, type->count, 1);
  else pointer_push(L, type, address, 1, 1);
  return 1;
}

static int library_tostring(lua_State *L) {
  check_library(L, 1);
  lua_pushfstring(L, "library %s", library_name(L, 1));
  return 1;
}

/* Python's libm.cos cannot be: nobody has said what it takes and gives. */
static bool library_get(lua_State *L, void *library, const char *field) {
  (void)library;
  return luaL_error(L, "%s has no field '%s': a function of it is library:func(\"%s\", result, {parameters})",
                    library_name(L, 1), field, field) != 0;
}

static const luaL_Reg library_methods[] = {
    {"func", library_func}, {"symbol", library_symbol}, {"var", library_var}, {NULL, NULL}};
static const luaL_Reg library_meta[] = {{"__tostring", library_tostring}, {NULL, NULL}};
static const char *const library_fields[] = {NULL};
static const ObjectType library_type = {.name = "gilua.ctypes.library",
                                        .size = sizeof(Library),
                                        .methods = library_methods,
                                        .meta = library_meta,
                                        .fields = library_fields,
                                        .get = library_get};

/* ctypes.func(pointer, ret, args [, options]) */
static int ctypes_func(lua_State *L) {
  object_check_last(L, 4);
  lua_settop(L, 4);
  Pointer *p = object_check(L, 1, &pointer_type);
  foreign_push(L, "C function", p->address, 2, 3, 4, 1);
  return 1;
}

static void store(lua_State *L, const CType *type, Pointer *p, int v, int owner) {
  const char *why = value_store(L, type, p->address, v, owner);
  if (why != NULL) luaL_argerror(L, v, lua_pushfstring(L, "bad initial value: %s", why));
}

/* Pushes new memory of the type at index i: one element, or n; or as the value at index v says. */
static int push_new(lua_State *L, int i, int v) {
  const CType *type = ctype_check(L, i);
  int at = lua_gettop(L);
  if (type->kind == C_ARRAY) {
    Pointer *p = pointer_new(L, type->element, type->count);
    if (!lua_isnoneornil(L, v)) store(L, type, p, v, at + 1);
    return 1;
  }
  if (lua_type(L, v) == LUA_TNUMBER || lua_isnoneornil(L, v)) {
    lua_Integer n = luaL_optinteger(L, v, 1);
    luaL_argcheck(L, n >= 0, v, "must not be negative");
    pointer_new(L, type, (size_t)n);
  } else if (type->size == 1 && lua_type(L, v) == LUA_TSTRING) { /* with the zero behind it */
    memcpy(pointer_new(L, type, lua_rawlen(L, v) + 1)->address, lua_tostring(L, v), lua_rawlen(L, v));
  } else if (type->kind != C_STRUCT && lua_istable(L, v)) {
    const CType *array = ctype_push_array(L, at, lua_rawlen(L, v));
    Pointer *p = pointer_new(L, type, array->count);
    store(L, array, p, v, lua_gettop(L));
  } else {
    Pointer *p = pointer_new(L, type, 1);
    store(L, type, p, v, lua_gettop(L));
  }
  return 1;
}

static int ctypes_new(lua_State *L) {
  object_check_last(L, 2);
  lua_settop(L, 2);
  return push_new(L, 1, 2);
}

/* type(values) */
static int ctype_call(lua_State *L) {
  const CType *type = object_check(L, 1, &ctype_type);
  bool listed = lua_gettop(L) > 2 || lua_type(L, 2) == LUA_TNUMBER;
  if (listed && type->kind == C_STRUCT)
    return luaL_error(L, "a %s takes its fields as one table, {…}", ctype_push_name(L, type));
  object_check_last(L, 2);
  lua_settop(L, 2);
  lua_insert(L, 1); /* so that an error counts the values as the first argument */
  return push_new(L, 2, 1);
}

static int ctype_tostring(lua_State *L) {
  ctype_push_name(L, object_check(L, 1, &ctype_type));
  return 1;
}

static const luaL_Reg ctype_methods[] = {{NULL, NULL}};
static const luaL_Reg ctype_meta[] = {{"__call", ctype_call}, {"__tostring", ctype_tostring}, {NULL, NULL}};
const ObjectType ctype_type = {
    .name = "gilua.ctypes.type", .size = sizeof(CType), .methods = ctype_methods, .meta = ctype_meta};

static int ctypes_struct(lua_State *L) {
  object_check_last(L, 1);
  ctype_push_struct(L, 1, false);
  return 1;
}

static int ctypes_union(lua_State *L) {
  object_check_last(L, 1);
  ctype_push_struct(L, 1, true);
  return 1;
}

static int ctypes_type(lua_State *L) {
  object_check_last(L, 1);
  ctype_check(L, 1);
  return 1;
}

static int ctypes_pointer(lua_State *L) {
  object_check_last(L, 1);
  ctype_check(L, 1);
  ctype_push_pointer(L, -1);
  return 1;
}

static int ctypes_array(lua_State *L) {
  object_check_last(L, 2);
  lua_Integer n = luaL_checkinteger(L, 2);
  luaL_argcheck(L, n >= 0, 2, "must not be negative");
  ctype_check(L, 1);
  ctype_push_array(L, -1, (size_t)n);
  return 1;
}

/* The address of a pointer, callback, buffer or integer at index i, with its size in bytes if that is known. */
static char *check_address(lua_State *L, int i, size_t *size) {
  const Pointer *p = pointer_test(L, i);
  const Callback *callback = object_test(L, i, &callback_type);
  *size = POINTER_UNKNOWN;
  if (p != NULL) {
    if (p->count != POINTER_UNKNOWN) *size = p->count * p->type->size;
    return p->address;
  }
  if (callback != NULL) return callback->code;
  if (buffer_test(L, i) != NULL) {
    *size = buffer_nbytes(buffer_check(L, i));
    return buffer_check(L, i)->data;
  }
  if (lua_islightuserdata(L, i)) return lua_touserdata(L, i);
  luaL_argexpected(L, lua_isnumber(L, i), i, "pointer, buffer, callback or address");
  return (char *)(uintptr_t)luaL_checkinteger(L, i);
}

/* ctypes.cast(type, x): x seen as that pointer type; an integer type gives the address, cut to its width as in C */
static int ctypes_cast(lua_State *L) {
  luaL_checkany(L, 2);
  lua_settop(L, 2);
  const CType *type = ctype_check(L, 1);
  if (lua_isnil(L, 2)) {
    lua_pushnil(L);
    return 1;
  }
  size_t size;
  int owner = lua_isuserdata(L, 2) ? 2 : 0;
  if (type->kind == C_POINTER && buffer_test(L, 2) != NULL) { /* a view pins it */
    buffer_view(L, 2, 0, buffer_check(L, 2)->length);
    owner = lua_gettop(L);
  }
  char *address = check_address(L, 2, &size);
  if (ctype_is_integer(type)) {
    uint64_t word = (uintptr_t)address; /* a narrower type has its low end, which comes first */
    value_push(L, type, &word, 0);
    return 1;
  }
  luaL_argcheck(L, type->kind == C_POINTER, 1, "must be a pointer type, or an integer for the address");
  size_t count = size == POINTER_UNKNOWN || type->element->size == 0 ? POINTER_UNKNOWN : size / type->element->size;
  pointer_push(L, type->element, address, count, owner);
  return 1;
}

/* ctypes.string(p [, n]): n bytes, or up to the zero */
static int ctypes_string(lua_State *L) {
  size_t size;
  luaL_argexpected(L, lua_isuserdata(L, 1), 1, "pointer, buffer or callback"); /* cast an address that is meant */
  const char *address = check_address(L, 1, &size);
  luaL_argcheck(L, address != NULL, 1, "is NULL");
  if (lua_isnoneornil(L, 2)) {
    buffer_push_bytes(L, address, size == POINTER_UNKNOWN ? strlen(address) : strnlen(address, size));
    return 1;
  }
  lua_Integer n = luaL_checkinteger(L, 2);
  luaL_argcheck(L, n >= 0 && (size_t)n <= size, 2, "is out of range");
  buffer_push_bytes(L, address, (size_t)n);
  return 1;
}

/* Returns i if there is a pointer or buffer, which has what it keeps, else 0. */
static int is_memory(lua_State *L, int i) { return pointer_test(L, i) != NULL || buffer_test(L, i) != NULL ? i : 0; }

/* ctypes.copy(to, from [, n]): n bytes; from may be a string */
static int ctypes_copy(lua_State *L) {
  size_t to_size, from_size;
  char *to = check_address(L, 1, &to_size);
  const char *from = lua_type(L, 2) == LUA_TSTRING ? lua_tolstring(L, 2, &from_size) : check_address(L, 2, &from_size);
  bool whole = lua_isnoneornil(L, 3) && from_size != POINTER_UNKNOWN;
  lua_Integer n = whole ? (lua_Integer)from_size : luaL_checkinteger(L, 3);
  luaL_argcheck(L, to != NULL && from != NULL, 1, "is NULL");
  if (n < 0 || (size_t)n > to_size || (size_t)n > from_size)
    return luaL_error(L, "%I bytes are out of range", (LUAI_UACINT)n);
  keeps_move(L, is_memory(L, 1), to, is_memory(L, 2), from, (size_t)n);
  lua_settop(L, 1);
  return 1;
}

static int ctypes_sizeof(lua_State *L) {
  const Pointer *p = pointer_test(L, 1);
  if (p != NULL && p->count == POINTER_UNKNOWN) return luaL_argerror(L, 1, "how many elements it has is not known");
  lua_pushinteger(L, (lua_Integer)(p != NULL ? p->count * p->type->size : ctype_check(L, 1)->size));
  return 1;
}

static int ctypes_alignof(lua_State *L) {
  const Pointer *p = pointer_test(L, 1);
  lua_pushinteger(L, (lua_Integer)(p != NULL ? p->type->align : ctype_check(L, 1)->align));
  return 1;
}

static int ctypes_offsetof(lua_State *L) {
  const CType *type = object_check(L, 1, &ctype_type);
  const char *name = luaL_checkstring(L, 2);
  const CField *field = ctype_field(L, type, 2);
  if (field == NULL) return luaL_argerror(L, 2, lua_pushfstring(L, "%s has no field '%s'", ctype_push_name(L, type), name));
  lua_pushinteger(L, (lua_Integer)field->offset);
  return 1;
}

static int ctypes_typeof(lua_State *L) {
  ctype_push_self(L, ((Pointer *)object_check(L, 1, &pointer_type))->type);
  return 1;
}

static int ctypes_addressof(lua_State *L) {
  size_t size;
  lua_pushinteger(L, (lua_Integer)(uintptr_t)check_address(L, 1, &size));
  return 1;
}

/* The number at index i as C's int. */
static int check_int(lua_State *L, int i) {
  lua_Integer n = luaL_checkinteger(L, i);
  luaL_argcheck(L, n == (int)n, i, "is out of the range of int");
  return (int)n;
}

/* ctypes.errno([new]): as the newest call of this thread left it */
static int ctypes_errno(lua_State *L) {
  Tstate *ts = park_self(L);
  lua_pushinteger(L, ts->c_errno);
  if (!lua_isnoneornil(L, 1)) ts->c_errno = check_int(L, 1);
  return 1;
}

static int ctypes_strerror(lua_State *L) {
  char text[256];
  int number = lua_isnoneornil(L, 1) ? park_self(L)->c_errno : check_int(L, 1);
  const char *message = strerror_r(number, text, sizeof text);
  lua_pushstring(L, message);
  return 1;
}

int lib_ctypes_open(lua_State *L) {
  static const luaL_Reg funcs[] = {
      {"addressof", ctypes_addressof}, {"alignof", ctypes_alignof},   {"array", ctypes_array},
      {"callback", callback_new},      {"cast", ctypes_cast},         {"copy", ctypes_copy},
      {"errno", ctypes_errno},         {"func", ctypes_func},         {"load", ctypes_load},
      {"new", ctypes_new},             {"offsetof", ctypes_offsetof}, {"pointer", ctypes_pointer},
      {"sizeof", ctypes_sizeof},       {"strerror", ctypes_strerror}, {"string", ctypes_string},
      {"struct", ctypes_struct},       {"type", ctypes_type},         {"typeof", ctypes_typeof},
      {"union", ctypes_union},         {NULL, NULL},
  };
  own_code_left(); /* those of the C library, which is there already, too */
  buffer_open(L);
  ctype_open(L);
  pointer_open(L);
  callback_open(L);
  object_register(L, &library_type);
  luaL_newlib(L, funcs);
  return 1;
}
