/* Reading signatures, and preparing calls. */
#include "runtime/native/signature_read.h"

#include <string.h>

#include "runtime/native/abi.h"
#include "runtime/state/options.h"
#include "runtime/state/text.h"

unsigned signature_split_types(const Signature *s, ffi_type **types, unsigned n) {
  memmove(types + s->split + 1, types + s->split, (n - (unsigned)s->split) * sizeof *types);
  abi_split_types(s->args[s->split], types + s->split);
  return n + 1;
}

/* What is split has a part that is a float, which libffi refuses behind "..."; where things
 * are split, that makes no difference. */
bool signature_prepare(const Signature *s, ffi_cif *cif, unsigned nfixed, unsigned n, ffi_type **types) {
  bool variadic = s->variadic && s->split < 0;
  return (variadic ? ffi_prep_cif_var(cif, FFI_DEFAULT_ABI, nfixed, n, s->ret->ffi, types)
                   : ffi_prep_cif(cif, FFI_DEFAULT_ABI, n, s->ret->ffi, types)) == FFI_OK;
}

/* Reads the type at index i, which the table at index keeps takes in. */
static const CType *read_type(lua_State *L, int i, int keeps, int arg, const char *where) {
  const CType *type = ctype_check_in(L, i, arg, where);
  lua_rawseti(L, keeps, (lua_Integer)lua_rawlen(L, keeps) + 1);
  return type;
}

/* Behind "...", C passes no float and no narrow integer. */
static bool fits_variadic(const CType *type) {
  return type->kind != C_FLOAT && (type->kind == C_STRUCT || type->size >= sizeof(int));
}

static void read_argument(lua_State *L, Signature *s, int args, int n, int keeps) {
  const char *where = lua_pushfstring(L, "parameter %d: ", n);
  lua_rawgeti(L, args, n);
  if (text_is(L, -1, "...")) {
    luaL_argcheck(L, !s->variadic && s->nargs > 0, args, "\"...\" stands once, behind a named parameter");
    s->variadic = s->open = true;
    s->nfixed = s->nargs;
  } else {
    if (s->nargs == FOREIGN_MAX_ARGS) luaL_argerror(L, args, lua_pushfstring(L, "more than %d parameters", FOREIGN_MAX_ARGS));
    const CType *type = read_type(L, lua_gettop(L), keeps, args, where);
    if (type->kind == C_VOID || type->ffi == NULL)
      luaL_argerror(L, args, lua_pushfstring(L, "%sa %s cannot be passed by value", where, ctype_push_name(L, type)));
    if (s->variadic && !fits_variadic(type))
      luaL_argerror(L, args, lua_pushfstring(L, "%sbehind \"...\" C passes int and double, no %s", where, ctype_push_name(L, type)));
    s->open = false;
    s->args[s->nargs] = type;
    s->structs = s->structs || type->kind == C_STRUCT;
    s->ffi_args[s->nargs++] = type->ffi;
  }
  lua_pop(L, 2);
}

static void unreturned(lua_State *L, const CType *type, int ret) {
  bool bits = type->kind == C_STRUCT && type->ffi != NULL;
  const char *why = bits ? ": libffi does not find a struct of one long double; bind a C function that stores it at a pointer"
                         : " by value";
  luaL_argerror(L, ret, lua_pushfstring(L, "a %s cannot be returned%s", ctype_push_name(L, type), why));
}

static void refuse_misplaced(lua_State *L, const Signature *s, int args) {
  int misplaced = abi_misplaced(s);
  if (misplaced < 0) return;
  luaL_argerror(L, args, lua_pushfstring(L, "parameter %d: libffi misplaces a %s behind that many others; bind a C function that "
                                            "takes its address", misplaced + 1, ctype_push_name(L, s->args[misplaced])));
}

void signature_read(lua_State *L, Signature *s, int ret, int args, bool for_calls) {
  int keeps = lua_gettop(L);
  if (lua_isnil(L, ret)) {
    lua_pushliteral(L, "void");
    lua_replace(L, ret);
  }
  s->ret = read_type(L, ret, keeps, ret, "");
  if (s->ret->ffi == NULL || s->ret->kind == C_BUFFER || !abi_can_return(s->ret)) unreturned(L, s->ret, ret);
  s->structs = s->ret->kind == C_STRUCT;
  if (!lua_isnil(L, args)) {
    luaL_checktype(L, args, LUA_TTABLE);
    options_check_list(L, args, LIST_RAW, "");
    int n = (int)lua_rawlen(L, args);
    for (int i = 1; i <= n; i++) read_argument(L, s, args, i, keeps);
  }
  if (!s->variadic) s->nfixed = s->nargs;
  refuse_misplaced(L, s, args);
  s->split = for_calls ? abi_split(s) : -1;
  unsigned n = s->split < 0 ? s->nargs : signature_split_types(s, s->ffi_args, s->nargs);
  if (!signature_prepare(s, &s->cif, s->nfixed, n, s->ffi_args))
    luaL_error(L, "libffi cannot call a function with this signature");
}
