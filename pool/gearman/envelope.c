/* Heads of tasks and results. */
#include "pool/gearman/envelope.h"

#include <string.h>

enum { TASK_HEAD = 25, RESULT_HEAD = 25 };

static void put(uint8_t *p, uint64_t value, unsigned bytes) {
  for (unsigned i = 0; i < bytes; i++) p[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t get(const uint8_t *p, unsigned bytes) {
  uint64_t value = 0;
  for (unsigned i = 0; i < bytes; i++) value |= (uint64_t)p[i] << (8 * i);
  return value;
}

static size_t write_views(uint8_t *to, size_t at, const Envelope *e) {
  memcpy(to + at, e->unique.bytes, e->unique.size);
  at += e->unique.size;
  if (e->name.size > 0) memcpy(to + at, e->name.bytes, e->name.size);
  return at + e->name.size;
}

static void write_common(uint8_t *to, const char *magic, const Envelope *e) {
  memcpy(to, magic, 3);
  to[3] = ENVELOPE_VERSION;
  to[4] = (uint8_t)e->kind;
  to[5] = (uint8_t)e->flags;
  put(to + 6, e->name.size, 2);
  to[24] = (uint8_t)e->unique.size;
}

size_t envelope_write_task(uint8_t to[ENVELOPE_MOST_HEAD], const Envelope *e) {
  write_common(to, "gLq", e);
  put(to + 8, e->release, 4);
  put(to + 12, e->retries, 4);
  put(to + 16, e->timeout_ns, 8);
  return write_views(to, TASK_HEAD, e);
}

size_t envelope_write_result(uint8_t to[ENVELOPE_MOST_HEAD], const Envelope *e) {
  write_common(to, "gLr", e);
  put(to + 8, e->ns, 8);
  put(to + 16, e->pid, 4);
  put(to + 20, e->status, 4);
  return write_views(to, RESULT_HEAD, e);
}

static int read_common(const uint8_t *bytes, size_t size, const char *magic, const char *kinds, Envelope *out) {
  *out = (Envelope){0};
  if (size < 4 || memcmp(bytes, magic, 3) != 0) return ENVELOPE_EFOREIGN;
  if (bytes[3] != ENVELOPE_VERSION) return ENVELOPE_EVERSION;
  if (size < TASK_HEAD || bytes[4] == 0 || strchr(kinds, bytes[4]) == NULL) return ENVELOPE_EDAMAGED;
  out->kind = (EnvelopeKind)bytes[4];
  out->flags = bytes[5];
  size_t tail = out->flags & ENVELOPE_SIGNED ? ENVELOPE_SIGNATURE : 0;
  size_t name = (size_t)get(bytes + 6, 2), unique = bytes[24];
  if (out->flags & ~(unsigned)(ENVELOPE_SIGNED | ENVELOPE_CHUNK) || name > ENVELOPE_MOST_NAME) return ENVELOPE_EDAMAGED;
  if (size - TASK_HEAD < unique + name + tail) return ENVELOPE_EDAMAGED;
  out->unique = (View){bytes + TASK_HEAD, unique};
  out->name = (View){bytes + TASK_HEAD + unique, name};
  out->body = (View){bytes + TASK_HEAD + unique + name, size - TASK_HEAD - unique - name - tail};
  out->covered = (View){bytes, size - tail};
  out->signature = (View){bytes + size - tail, tail};
  return 0;
}

int envelope_read_task(const uint8_t *bytes, size_t size, Envelope *out) {
  int err = read_common(bytes, size, "gLq", "nv", out);
  if (err != 0) return err;
  out->release = (uint32_t)get(bytes + 8, 4);
  out->retries = (uint32_t)get(bytes + 12, 4);
  out->timeout_ns = get(bytes + 16, 8);
  return 0;
}

int envelope_read_result(const uint8_t *bytes, size_t size, Envelope *out) {
  int err = read_common(bytes, size, "gLr", "redtx", out);
  if (err != 0) return err;
  out->ns = get(bytes + 8, 8);
  out->pid = (uint32_t)get(bytes + 16, 4);
  out->status = (uint32_t)get(bytes + 20, 4);
  return 0;
}
