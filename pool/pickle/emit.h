/* Putting scalars, strings and references into a message. */
#ifndef GILUA_POOL_PICKLE_EMIT_H
#define GILUA_POOL_PICKLE_EMIT_H

#include "pool/pickle/format.h"
#include "pool/pickle/writer.h"

enum { SCALAR_ROOM = 16 };

static inline void writer_reserve(Writer *w, size_t more) {
  if (!bytes_reserve(&w->out, more)) writer_no_memory(w);
}

/* writer_byte appends to room that was reserved. */
static inline void writer_byte(Writer *w, unsigned byte) { w->out.bytes[w->out.size++] = (uint8_t)byte; }

static inline void writer_fixed(Writer *w, unsigned tag, const void *value, size_t size) {
  uint8_t *to = w->out.bytes + w->out.size; /* once: a byte that is stored may be any field */
  to[0] = (uint8_t)tag;
  memcpy(to + 1, value, size);
  w->out.size += 1 + size;
}

/* writer_short_bytes appends to room that was reserved. */
static inline void writer_short_bytes(Writer *w, const char *bytes, size_t size) {
  memcpy(w->out.bytes + w->out.size, bytes, size);
  w->out.size += size;
}

static inline void writer_integer(Writer *w, lua_Integer value) {
  if (value >= 0 && value < 128) writer_byte(w, TAG_SMALL + (unsigned)value);
  else if (value >= INT8_MIN && value <= INT8_MAX) writer_fixed(w, TAG_INT8, &value, 1);
  else if (value >= INT16_MIN && value <= INT16_MAX) writer_fixed(w, TAG_INT16, &value, 2);
  else if (value >= INT32_MIN && value <= INT32_MAX) writer_fixed(w, TAG_INT32, &value, 4);
  else writer_fixed(w, TAG_INT64, &value, 8);
}

/* writer_varint and writer_bytes make room themselves; writer_offset writes the offset that the reader gives to what
 * stands at `at` of the buffer. */
void writer_varint(Writer *w, uint64_t value);
void writer_bytes(Writer *w, const void *bytes, size_t size);
void writer_offset(Writer *w, size_t at);

/* writer_meet notes that the object with that address has its tag at the end of the buffer. False: it was met before,
 * and a reference to it is written (writer_refer; ref NULL: there was no memory to note it). */
void writer_refer(Writer *w, const Ref *ref);
static inline bool writer_meet(Writer *w, const void *address) {
  bool added;
  const Ref *ref = refs_add(&w->refs, address, w->out.size, &added);
  if (!added) writer_refer(w, ref);
  return added;
}

/* writer_anchor keeps the object at index i until the message is written, in the mode that asks for it. */
void writer_keep_anchored(Writer *w, int i);
static inline void writer_anchor(Writer *w, int i) {
  if ((w->mode & RESTART_ANCHORING) != 0) writer_keep_anchored(w, i);
}

/* writer_long_string writes one of more than SHORT_STRING bytes, writer_short_string one of fewer into room for it, and
 * writer_string either. */
void writer_long_string(Writer *w, int i, const char *s, size_t size);

/* One that is not the string that its place in the cache is for. */
void writer_new_string(Writer *w, WriterString *place, const char *s, size_t size);

static inline void writer_short_string(Writer *w, const char *s, size_t size) {
  WriterString *known = &w->strings[((uintptr_t)s >> 3 ^ (uintptr_t)s >> 11) % WRITER_STRINGS];
  if (known->address != s || known->generation != w->generation) {
    writer_new_string(w, known, s, size);
    return;
  }
  uint32_t number = known->number - 1;
  if (number < TAG_TABLE - TAG_STRING_REF) {
    writer_byte(w, TAG_STRING_REF + number);
  } else if (known->number != 0) {
    writer_byte(w, TAG_STRING_REF_FAR);
    writer_varint(w, number);
  } else {
    known->number = ++w->string_count;
    writer_byte(w, TAG_STRING_DEFINE);
    writer_byte(w, (unsigned)size);
    writer_short_bytes(w, s, size);
  }
  known->passed = 0;
}

static inline void writer_string(Writer *w, int i) {
  size_t size;
  const char *s = lua_tolstring(w->L, i, &size);
  if (size > SHORT_STRING) writer_long_string(w, i, s, size);
  else writer_short_string(w, s, size);
}

#endif
