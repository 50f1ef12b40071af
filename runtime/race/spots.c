/* Looking up spots. */
#include "runtime/race/spots.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t spots_hash(const char *text, size_t n) {
  uint64_t hash = 0xcbf29ce484222325;
  for (size_t i = 0; i < n; i++) hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3;
  return hash;
}

static Spot **slot_of(const Spots *s, const uint32_t *at) {
  for (uint64_t i = (uint64_t)(uintptr_t)at / sizeof *at * 0x9e3779b97f4a7c15 >> 20;; i++) {
    Spot **slot = &s->slots[i & (s->room - 1)];
    if (*slot == NULL || (*slot)->at == at) return slot;
  }
}

static bool grow(Spots *s) {
  Spots more = {.room = s->room == 0 ? 256 : 2 * s->room};
  more.slots = calloc(more.room, sizeof(Spot *));
  if (more.slots == NULL) return false;
  for (uint64_t i = 0; i < s->room; i++)
    if (s->slots[i] != NULL) *slot_of(&more, s->slots[i]->at) = s->slots[i];
  free(s->slots);
  s->slots = more.slots;
  s->room = more.room;
  return true;
}

/* The number of the constant that is its key, or -1. */
static int key_of(uint32_t code) {
  switch (code_op(code)) {
    case CODE_GETTABUP:
    case CODE_GETFIELD: return (int)code_c(code);
    case CODE_SETTABUP:
    case CODE_SETFIELD: return (int)code_b(code);
    case CODE_SELF: return code_k(code) ? (int)code_c(code) : -1;
    default: return -1;
  }
}

/* The number of the upvalue that it uses, from 1, or 0. */
static int variable_of(uint32_t code) {
  switch (code_op(code)) {
    case CODE_GETUPVAL:
    case CODE_SETUPVAL:
    case CODE_GETTABUP: return (int)code_b(code) + 1;
    case CODE_SETTABUP: return (int)code_a(code) + 1;
    default: return 0;
  }
}

/* The function is on top of the stack. */
static void fill(Spot *spot, Code *c, lua_State *L) {
  int key = key_of(spot->code), variable = variable_of(spot->code);
  const char *text = key >= 0 ? code_text(L, c, (unsigned)key, &spot->length) : NULL;
  char *copy = text != NULL ? malloc(spot->length + 1) : NULL;
  if (copy != NULL) {
    memcpy(copy, text, spot->length);
    copy[spot->length] = '\0';
    spot->hash = spots_hash(copy, spot->length);
    spot->text = copy;
  }
  const char *name = variable > 0 ? lua_getupvalue(L, -1, variable) : NULL;
  if (name == NULL) return;
  snprintf(spot->name, sizeof spot->name, "%s", name);
  lua_pop(L, 1);
}

static Spot *make(Code *c, lua_State *L, lua_Debug *ar, const uint32_t *at) {
  Spot *spot = calloc(1, sizeof *spot);
  if (spot == NULL || !lua_getinfo(L, "Slf", ar)) return spot;
  *spot = (Spot){.at = at, .code = *at, .line = ar->currentline};
  snprintf(spot->source, sizeof spot->source, "%s", ar->short_src);
  fill(spot, c, L);
  lua_pop(L, 1);
  return spot;
}

const Spot *spots_find(Spots *s, Code *c, lua_State *L, lua_Debug *ar, const uint32_t *at) {
  if (2 * s->n >= s->room && !grow(s)) return NULL;
  Spot **slot = slot_of(s, at);
  if (*slot == NULL) {
    *slot = make(c, L, ar, at);
    s->n += *slot != NULL;
  }
  return *slot;
}
