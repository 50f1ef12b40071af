/* Scalars, strings and references. */
#include "pool/pickle/emit.h"

#include <lauxlib.h>
#include <string.h>

#include "pool/pickle/path.h"

void writer_varint(Writer *w, uint64_t value) {
  writer_reserve(w, SCALAR_ROOM);
  for (; value >= 0x80; value >>= 7) writer_byte(w, 0x80 | (value & 0x7F));
  writer_byte(w, (unsigned)value);
}

/* Pieces come in between. */
void writer_offset(Writer *w, size_t at) {
  size_t before = 0;
  unsigned low = 0, high = w->npieces;
  while (low < high) {
    unsigned middle = low + (high - low) / 2;
    if (w->pieces[middle].at <= at) low = middle + 1;
    else high = middle;
  }
  if (low > 0) before = w->pieces[low - 1].before + w->pieces[low - 1].size;
  writer_varint(w, at + before);
}

void writer_bytes(Writer *w, const void *bytes, size_t size) {
  if (!bytes_append(&w->out, bytes, size)) writer_no_memory(w);
}

/* The string at index i, of more than PICKLE_PIN bytes, stands in a piece. */
static void write_piece(Writer *w, int i, const char *s, size_t size) {
  if (w->npieces == w->piece_capacity) {
    unsigned capacity = w->piece_capacity == 0 ? 8 : 2 * w->piece_capacity;
    PicklePiece *pieces = pickle_realloc(w->pieces, capacity * sizeof *pieces);
    if (pieces == NULL) writer_no_memory(w);
    w->pieces = pieces;
    w->piece_capacity = capacity;
  }
  lua_pushvalue(w->L, i);
  lua_rawseti(w->L, w->base + SLOT_PINS, w->npieces + 1);
  size_t before = w->npieces == 0 ? 0 : w->pieces[w->npieces - 1].before + w->pieces[w->npieces - 1].size;
  w->pieces[w->npieces++] = (PicklePiece){w->out.size, before, s, size};
}

/* Whether the frame of the object with its tag at `at` is still there; frames stand by rising place. */
static bool is_reduced(const Writer *w, size_t at) {
  int low = 0, high = w->depth + 1;
  while (low < high) {
    int middle = low + (high - low) / 2;
    if (w->frames[middle].at < at) low = middle + 1;
    else high = middle;
  }
  return low <= w->depth && w->frames[low].at == at && w->frames[low].kind == FRAME_REDUCE;
}

/* The object on top was written as what came with the task. */
static void look_at_origin(Writer *w) {
  bool added;
  if (!lua_istable(w->L, -1) || writer_is_metatable(w) || !writer_changed(w) || w->restart != 0) return;
  if (refs_add(&w->changed, lua_topointer(w->L, -1), 0, &added) == NULL) writer_no_memory(w);
  w->restart |= RESTART_CHANGED;
}

void writer_refer(Writer *w, const Ref *ref) {
  if (ref == NULL) writer_no_memory(w);
  if ((w->out.bytes[ref->value] & ~TAG_SHARED) == TAG_REDUCE && is_reduced(w, ref->value))
    writer_refuse(w, "what its __reduce returns leads back to it"); /* it would be read before it is made */
  if ((w->out.bytes[ref->value] & ~TAG_SHARED) == TAG_ORIGIN) look_at_origin(w);
  w->out.bytes[ref->value] |= TAG_SHARED;
  writer_byte(w, TAG_REF);
  writer_offset(w, ref->value);
}

void writer_keep_anchored(Writer *w, int i) {
  lua_pushvalue(w->L, i);
  lua_rawseti(w->L, w->base + SLOT_ANCHOR, ++w->anchored);
}

void writer_long_string(Writer *w, int i, const char *s, size_t size) {
  if (!writer_meet(w, s)) return;
  writer_anchor(w, i);
  writer_byte(w, TAG_STRING_LONG);
  writer_varint(w, size);
  if (w->link != NULL && size > PICKLE_PIN) write_piece(w, i, s, size);
  else writer_bytes(w, s, size);
  writer_reserve(w, SCALAR_ROOM);
}

void writer_new_string(Writer *w, WriterString *place, const char *s, size_t size) {
  if (place->number == 0 || place->generation != w->generation || ++place->passed > STRING_PATIENCE)
    *place = (WriterString){.address = s, .generation = w->generation};
  if (size >= 2 && s[0] == '_' && s[1] == '_') writer_want_names(w); /* of a class, it may be */
  if (size < TAG_STRING_REF - TAG_STRING) {
    writer_byte(w, TAG_STRING + (unsigned)size);
  } else {
    writer_byte(w, TAG_STRING_LONG);
    writer_byte(w, (unsigned)size);
  }
  writer_short_bytes(w, s, size);
}
