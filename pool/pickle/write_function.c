/* Writing functions: bytecode, then what they capture. Functions that share a variable go on sharing it. */
#include <lauxlib.h>

#include "pool/pickle/format.h"
#include "pool/pickle/write.h"

static int append(lua_State *L, const void *bytes, size_t size, void *ud) {
  (void)L;
  return bytes_append(ud, bytes, size) ? 0 : 1;
}

/* Bytecode of the function on top into the scratch buffer. A chunk that load made is named by its whole source. */
static void dump(Writer *w) {
  lua_State *L = w->L;
  lua_Debug ar;
  lua_pushvalue(L, -1);
  lua_getinfo(L, ">S", &ar);
  w->scratch.size = 0;
  if (lua_dump(L, append, &w->scratch, ar.srclen > LONGEST_SOURCE) != 0) writer_no_memory(w);
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

static PickleCode *code_of(Writer *w) {
  PickleCode *code = link_known(w->L, w->link, lua_gettop(w->L));
  if (code != NULL) return code;
  dump(w);
  code = link_code(w->L, w->link, w->scratch.bytes, w->scratch.size);
  if (code == NULL) writer_no_memory(w);
  link_know(w->L, w->link, lua_gettop(w->L), code);
  return code;
}

/* Captures nothing, or nothing but the globals as _ENV. */
static bool is_plain(Writer *w, int nupvalues) {
  if (nupvalues == 0) return true;
  if (nupvalues > 1) return false;
  const char *name = lua_getupvalue(w->L, -1, 1);
  bool globals = name != NULL && lua_topointer(w->L, -1) == w->globals;
  lua_pop(w->L, 1);
  return globals && (name[0] == '(' || (name[0] == '_' && name[1] == 'E' && name[2] == 'N' && name[3] == 'V' && name[4] == 0));
}

static void list_origin(Writer *w, int i, uint32_t number) {
  lua_pushvalue(w->L, i);
  lua_rawseti(w->L, w->base + SLOT_ORIGINS, number);
}

void writer_origin(Writer *w, int i) {
  if (w->link == NULL || w->link->worker) return;
  bool added;
  if (refs_add(&w->origins, lua_topointer(w->L, i), (size_t)w->origins.count + 1, &added) == NULL) writer_no_memory(w);
  if (!added) return;
  if (w->origins.count == 1 && lua_rawequal(w->L, i, w->first)) { /* most tasks: no list for it alone */
    w->root_origin = true;
    return;
  }
  if (w->root_origin) list_origin(w, w->first, 1);
  w->root_origin = false;
  list_origin(w, i, w->origins.count);
}

bool writer_function(Writer *w, size_t at) {
  lua_State *L = w->L;
  lua_Debug ar;
  lua_pushvalue(L, -1);
  lua_getinfo(L, ">u", &ar);
  bool by_id = w->link != NULL && !w->link->worker;
  writer_origin(w, lua_gettop(L));
  if (by_id) {
    PickleCode *code = code_of(w);
    name_code(w, code);
    bool plain = is_plain(w, ar.nups);
    writer_reserve(w, 32);
    writer_byte(w, plain ? TAG_FUNCTION_PLAIN : TAG_FUNCTION_ID);
    writer_varint(w, code->id);
    if (plain) return true;
  } else {
    dump(w);
    writer_reserve(w, 32);
    writer_byte(w, TAG_FUNCTION);
    writer_varint(w, w->scratch.size);
    if (!bytes_append(&w->out, w->scratch.bytes, w->scratch.size)) writer_no_memory(w);
  }
  writer_reserve(w, 32);
  writer_byte(w, ar.nups);
  writer_push(w, FRAME_FUNCTION, at, ar.nups);
  return false;
}

void writer_step_function(Writer *w) {
  lua_State *L = w->L;
  int slot = writer_slot(w, w->depth);
  for (WriteFrame *f = &w->frames[w->depth]; f->i < f->n;) {
    int i = (int)++f->i;
    bool added;
    const Ref *ref = refs_add(&w->refs, lua_upvalueid(L, slot, i), w->out.size, &added);
    if (ref == NULL) writer_no_memory(w);
    writer_reserve(w, 32);
    if (!added) {
      w->out.bytes[ref->value] |= TAG_SHARED;
      writer_byte(w, TAG_UPVALUE_JOIN);
      writer_offset(w, ref->value);
      continue;
    }
    writer_byte(w, TAG_UPVALUE);
    lua_getupvalue(L, slot, i);
    if (!writer_value(w)) return;
  }
  writer_pop(w);
}
