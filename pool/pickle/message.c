/* Messages: what a writer has written, as memory of its own. */
#include <lauxlib.h>
#include <string.h>

#include "pool/pickle/write.h"

size_t pickle_message_size(const PickleMessage *m) {
  if (m->npieces == 0) return m->size;
  const PicklePiece *last = &m->pieces[m->npieces - 1];
  return m->size + last->before + last->size;
}

void pickle_message_copy(const PickleMessage *m, void *to) {
  char *p = to;
  size_t done = 0;
  for (unsigned i = 0; i < m->npieces; i++) {
    const PicklePiece *piece = &m->pieces[i];
    memcpy(p, m->bytes + done, piece->at - done);
    p += piece->at - done;
    done = piece->at;
    memcpy(p, piece->data, piece->size);
    p += piece->size;
  }
  if (m->size > done) memcpy(p, m->bytes + done, m->size - done);
}

static void unref(lua_State *L, int *ref) {
  if (*ref != 0 && *ref != LUA_NOREF) luaL_unref(L, LUA_REGISTRYINDEX, *ref);
  *ref = 0;
}

void pickle_message_unpin(lua_State *L, PickleMessage *m) {
  for (unsigned i = 0; i < m->ncodes; i++) pickle_code_drop(m->codes[i]);
  pickle_realloc(m->codes, 0);
  pickle_realloc(m->pieces, 0);
  pickle_realloc(m->bytes, 0);
  unref(L, &m->pins);
  *m = (PickleMessage){.origins = m->origins};
}

void pickle_message_free(lua_State *L, PickleMessage *m) {
  pickle_message_unpin(L, m);
  unref(L, &m->origins);
}

static void *copy_of(const void *from, size_t size) {
  void *to = pickle_realloc(NULL, size);
  if (to != NULL) memcpy(to, from, size);
  return to;
}

/* The plain part; false without memory, with m as empty as before. */
static bool fill(Writer *w, PickleMessage *m) {
  uint8_t *bytes = copy_of(w->out.bytes, w->out.size);
  PicklePiece *pieces = w->npieces > 0 ? copy_of(w->pieces, w->npieces * sizeof *pieces) : NULL;
  PickleCode **codes = w->ncodes > 0 ? copy_of(w->codes, w->ncodes * sizeof(PickleCode *)) : NULL;
  if (bytes == NULL || (w->npieces > 0 && pieces == NULL) || (w->ncodes > 0 && codes == NULL)) {
    pickle_realloc(bytes, 0);
    pickle_realloc(pieces, 0);
    pickle_realloc(codes, 0);
    return false;
  }
  *m = (PickleMessage){bytes, w->out.size, pieces, w->npieces, w->ncodes, codes, m->pins, m->origins};
  for (unsigned i = 0; i < m->ncodes; i++) pickle_code_keep(m->codes[i]);
  return true;
}

static int ref_to(Writer *w, int i) {
  lua_pushvalue(w->L, i);
  return luaL_ref(w->L, LUA_REGISTRYINDEX);
}

static void dump(lua_State *L, int first, int n, PickleRoot root, PickleLink *link, NameScope scope, PickleMessage *out) {
  *out = (PickleMessage){0};
  first = lua_absindex(L, first);
  Writer *w = writer_begin(L, link, scope);
  writer_run(w, first, n, root);
  int top = w->base;
  writer_renew(w);
  if (w->npieces > 0 || w->pins) out->pins = ref_to(w, w->base + SLOT_PINS);
  if (w->origins.count > 0) out->origins = ref_to(w, w->root_origin ? first : w->base + SLOT_ORIGINS);
  if (!fill(w, out)) {
    pickle_message_free(L, out);
    writer_no_memory(w);
  }
  writer_release(w);
  lua_settop(L, top);
}

void pickle_dump(lua_State *L, int first, int n, PickleRoot root, PickleLink *link, PickleMessage *out) {
  dump(L, first, n, root, link, NAMES_ALL, out);
}

void pickle_dump_elsewhere(lua_State *L, int first, int n, PickleRoot root, PickleMessage *out) {
  dump(L, first, n, root, NULL, NAMES_ELSEWHERE, out);
}
