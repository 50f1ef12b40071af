/* Writing functions: bytecode, then what they capture. Functions that share a variable go on sharing it. */
#include "pool/pickle/write_function.h"

#include <lauxlib.h>
#include <string.h>

#include "pool/pickle/bytecode.h"
#include "pool/pickle/emit.h"

/* Bytecode of the function on top into the scratch buffer. */
static void dump(Writer *w) {
  if (!bytecode_dump(w->L, &w->scratch)) writer_no_memory(w);
}

/* Adds the code to those that the message names. */
static void name_code(Writer *w, PickleCode *code) {
  bool added;
  if (refs_add(&w->refs, code, 0, &added) == NULL) writer_no_memory(w);
  if (!added) return;
  if (w->ncodes == w->code_capacity) {
    unsigned capacity = w->code_capacity == 0 ? 8 : 2 * w->code_capacity;
    PickleCode **codes = pickle_realloc(w->codes, capacity * sizeof(PickleCode *));
    if (codes == NULL) writer_no_memory(w);
    w->codes = codes;
    w->code_capacity = capacity;
  }
  pickle_code_keep(code);
  w->codes[w->ncodes++] = code;
}

static PickleCode *new_code(Writer *w) {
  dump(w);
  PickleCode *code = link_code(w->link, w->scratch.bytes, w->scratch.size);
  if (code == NULL) writer_no_memory(w);
  link_note_written(w->L, w->link, lua_gettop(w->L), code);
  return code;
}

/* Captures nothing, or nothing but the globals as _ENV. */
static bool is_plain(Writer *w, int nupvalues) {
  if (nupvalues == 0) return true;
  if (nupvalues > 1) return false;
  const char *name = lua_getupvalue(w->L, -1, 1);
  bool globals = name != NULL && lua_topointer(w->L, -1) == w->globals;
  lua_pop(w->L, 1);
  return globals && (name[0] == '(' || strcmp(name, "_ENV") == 0);
}

/* Whether no other function of the message captures the variable of the plain one on top, as far as is known: who comes
 * later joins it to this one's, whose tag stands at `at`. */
static bool is_alone(Writer *w, int nupvalues, size_t at) {
  bool added = true;
  if (nupvalues > 0 && refs_add(&w->refs, lua_upvalueid(w->L, -1, 1), at, &added) == NULL) writer_no_memory(w);
  return added;
}

static void list_origin(Writer *w, int i, size_t number) {
  lua_pushvalue(w->L, i);
  lua_rawseti(w->L, w->base + SLOT_ORIGINS, (lua_Integer)number);
}

size_t writer_origin(Writer *w, int i) {
  bool added;
  const Ref *ref = refs_add(&w->origins, lua_topointer(w->L, i), (size_t)w->origins.count + 1, &added);
  if (ref == NULL) writer_no_memory(w);
  if (!added) return ref->value;
  if (w->origins.count == 1 && lua_rawequal(w->L, i, w->first)) { /* most tasks: no list for it alone */
    w->root_origin = true;
    return 1;
  }
  if (w->root_origin) list_origin(w, w->first, 1);
  w->root_origin = false;
  list_origin(w, i, w->origins.count);
  return w->origins.count;
}

/* By the id of its code, which the other end is told. True: it is plain, and no variables follow. */
static bool write_by_id(Writer *w, size_t at, int nupvalues, PickleCode *code) {
  if (code == NULL) code = new_code(w);
  name_code(w, code);
  bool plain = is_plain(w, nupvalues) && is_alone(w, nupvalues, at);
  writer_reserve(w, SCALAR_ROOM);
  writer_byte(w, plain ? TAG_FUNCTION_PLAIN : TAG_FUNCTION_ID);
  writer_varint(w, code->id);
  writer_varint(w, writer_origin(w, lua_gettop(w->L)));
  return plain;
}

bool writer_function(Writer *w, size_t at, PickleCode *code) {
  lua_State *L = w->L;
  lua_Debug ar;
  lua_pushvalue(L, -1);
  lua_getinfo(L, ">u", &ar);
  if (w->link != NULL) {
    if (write_by_id(w, at, ar.nups, code)) return true;
  } else {
    dump(w);
    writer_reserve(w, SCALAR_ROOM);
    writer_byte(w, TAG_FUNCTION);
    writer_varint(w, w->scratch.size);
    writer_bytes(w, w->scratch.bytes, w->scratch.size);
  }
  writer_reserve(w, SCALAR_ROOM);
  writer_byte(w, ar.nups);
  writer_push(w, FRAME_FUNCTION, at, ar.nups);
  return false;
}

bool writer_upvalue(Writer *w, int slot, int i) {
  bool added;
  const Ref *ref = refs_add(&w->refs, lua_upvalueid(w->L, slot, i), w->out.size, &added);
  if (ref == NULL) writer_no_memory(w);
  writer_reserve(w, SCALAR_ROOM);
  if (added) {
    writer_byte(w, TAG_UPVALUE);
    lua_getupvalue(w->L, slot, i);
    return true;
  }
  w->out.bytes[ref->value] |= TAG_SHARED;
  writer_byte(w, TAG_UPVALUE_JOIN);
  writer_offset(w, ref->value);
  return false;
}
