/* Finding the place, and reading what lua_dump writes. */
#include "runtime/race/code.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/state/release.h"

enum { HEADER = 32 /* with the number of upvalues */, WORDS = 6, SEEN = 6 };

/* Types of constants. */
enum { INTEGER = 0x03, TEXT_SHORT = 0x04, FLOAT = 0x13, TEXT_LONG = 0x14 };

typedef struct Reader {
  const unsigned char *at, *end;
  bool bad;
} Reader;

static const unsigned char *skip(Reader *r, size_t n) {
  const unsigned char *at = r->at;
  if ((size_t)(r->end - r->at) < n) r->bad = true;
  else r->at += n;
  return at;
}

static size_t read_size(Reader *r) {
  size_t n = 0;
  for (;;) {
    const unsigned char *at = skip(r, 1);
    if (r->bad) return 0;
    n = n << 7 | (*at & 0x7f);
    if ((*at & 0x80) != 0) return n;
  }
}

/* A string's bytes; NULL: there is none. */
static const char *read_text(Reader *r, size_t *n) {
  size_t size = read_size(r);
  if (size == 0) return NULL;
  *n = size - 1;
  return (const char *)skip(r, *n);
}

/* The instructions of a dumped function; r is at its constants then. */
static const unsigned char *read_code(Reader *r, size_t *n) {
  size_t length;
  skip(r, HEADER);
  read_text(r, &length); /* the source: none, it is stripped */
  read_size(r);
  read_size(r);
  skip(r, 3);
  *n = read_size(r);
  return skip(r, *n * sizeof(uint32_t));
}

/* One constant; its text or NULL. */
static const char *read_constant(Reader *r, size_t *n) {
  const unsigned char *type = skip(r, 1);
  if (r->bad) return NULL;
  if (*type == TEXT_SHORT || *type == TEXT_LONG) return read_text(r, n);
  if (*type == INTEGER || *type == FLOAT) skip(r, 8);
  return NULL;
}

static int append(lua_State *L, const void *bytes, size_t n, void *data) {
  CodeDump *d = data;
  (void)L;
  char *more = realloc(d->bytes, d->n + n);
  if (more == NULL) return 1;
  memcpy(more + d->n, bytes, n);
  d->bytes = more;
  d->n += n;
  return 0;
}

/* The dump of the function on top of the stack. */
static CodeDump *dump(lua_State *L, Code *c) {
  const void *function = lua_topointer(L, -1);
  CodeDump *d = &c->kept[(uintptr_t)function / 64 % CODE_KEPT];
  if (d->function == function) return d;
  *d = (CodeDump){.bytes = d->bytes};
  d->function = lua_dump(L, append, d, 1) == 0 ? function : NULL;
  return d->function != NULL ? d : NULL;
}

const char *code_text(lua_State *L, Code *c, unsigned k, size_t *n) {
  const CodeDump *d = dump(L, c);
  if (d == NULL) return NULL;
  Reader r = {.at = (const unsigned char *)d->bytes, .end = (const unsigned char *)d->bytes + d->n};
  size_t count;
  read_code(&r, &count);
  if (k >= read_size(&r)) return NULL;
  for (; k > 0; k--) read_constant(&r, n);
  const char *text = read_constant(&r, n);
  return r.bad ? NULL : text;
}

/* Skips a list of n-byte items. */
static void skip_list(Reader *r, size_t n) { skip(r, read_size(r) * n); }

enum { DEEPEST = 200 };

/* Skips the rest of a stripped function, from its constants on; adds what its upvalues take from registers of the outer one. */
static void read_rest(Reader *r, uint64_t *captured, int depth);

static void read_inner(Reader *r, uint64_t *captured, int depth) {
  size_t length;
  read_text(r, &length);
  read_size(r);
  read_size(r);
  skip(r, 3);
  skip_list(r, sizeof(uint32_t));
  read_rest(r, captured, depth);
}

static void read_rest(Reader *r, uint64_t *captured, int depth) {
  uint64_t own[4] = {0};
  size_t length, n = read_size(r);
  if (depth > DEEPEST) r->bad = true;
  for (; n > 0 && !r->bad; n--) read_constant(r, &length);
  n = read_size(r);
  for (; n > 0 && !r->bad; n--) {
    const unsigned char *upvalue = skip(r, 3);
    if (!r->bad && captured != NULL && upvalue[0] != 0) captured[upvalue[1] / 64] |= UINT64_C(1) << upvalue[1] % 64;
  }
  n = read_size(r);
  for (; n > 0 && !r->bad; n--) read_inner(r, own, depth + 1);
  skip_list(r, 1); /* lines */
  n = 2 * read_size(r);
  for (; n > 0 && !r->bad; n--) read_size(r);
  read_size(r); /* names: none, it is stripped */
  read_size(r);
}

static void read_captured(CodeDump *d) {
  Reader r = {.at = (const unsigned char *)d->bytes, .end = (const unsigned char *)d->bytes + d->n};
  size_t n, length;
  read_code(&r, &n);
  for (n = read_size(&r); n > 0 && !r.bad; n--) read_constant(&r, &length);
  skip_list(&r, 3);
  n = read_size(&r);
  for (; n > 0 && !r.bad; n--) read_inner(&r, d->captured, 0);
  d->read = true;
  if (r.bad) memset(d->captured, 0xff, sizeof d->captured);
}

const uint64_t *code_captured(lua_State *L, Code *c) {
  CodeDump *d = dump(L, c);
  if (d == NULL) return NULL;
  if (!d->read) read_captured(d);
  return d->captured;
}

/* What the words of a call's record were at each instruction of the sample. */
typedef struct Sample {
  uintptr_t words[SEEN][WORDS];
  unsigned seen;
} Sample;

static const char sample_key = 0;

static void look(lua_State *L, lua_Debug *ar) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &sample_key);
  Sample *s = lua_touserdata(L, -1);
  lua_pop(L, 1);
  if (s != NULL && s->seen < SEEN) memcpy(s->words[s->seen++], ar->i_ci, sizeof s->words[0]);
}

/* Whether that word went through the code, one instruction at a time, and what it points behind is the instruction. */
static bool is_place(const Sample *s, unsigned word, const unsigned char *code, size_t n) {
  for (unsigned i = 1; i < SEEN; i++)
    if (s->words[i][word] - s->words[i - 1][word] != sizeof(uint32_t)) return false;
  for (size_t first = 0; first < 2 && first + SEEN <= n; first++) {
    bool same = true;
    for (unsigned i = 0; i < SEEN && same; i++)
      same = memcmp((const uint32_t *)s->words[i][word] - 1, code + (first + i) * sizeof(uint32_t), sizeof(uint32_t)) == 0;
    if (same) return true;
  }
  return false;
}

/* The sample's instructions, as this file knows them: if they are others, so may be all. */
static bool is_known(const unsigned char *code, size_t n) {
  static const unsigned char wanted[] = {81 /* VARARGPREP */, CODE_GETTABUP, CODE_GETFIELD, CODE_GETI, CODE_GETTABLE, CODE_LEN,
                                         CODE_SETFIELD, CODE_SETI, CODE_SETTABLE, CODE_SETTABUP};
  if (n < sizeof wanted) return false;
  for (size_t i = 0; i < sizeof wanted; i++)
    if ((code[i * sizeof(uint32_t)] & 0x7f) != wanted[i]) return false;
  return true;
}

static const char sample_text[] = "local t = t local a, b, c, d = t.a, t[1], t[t], #t t.a = a t[1] = b t[t] = c u = d";

static void run_sample(lua_State *L, Sample *s) {
  lua_State *co = lua_newthread(L);
  lua_pushlightuserdata(L, s);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &sample_key);
  lua_pushvalue(L, -2);
  lua_newtable(L); /* its environment: {t = {}} */
  lua_newtable(L);
  lua_setfield(L, -2, "t");
  lua_setupvalue(L, -2, 1);
  lua_xmove(L, co, 1);
  lua_sethook(co, look, LUA_MASKCOUNT, 1);
  lua_pcall(co, 0, 0, 0);
  lua_sethook(co, NULL, 0, 0);
  lua_pushnil(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &sample_key);
  lua_pop(L, 1);
}

bool code_begin(lua_State *L, Code *c) {
  *c = (Code){.place = 0};
  if (release_number() >= 50500 || luaL_loadstring(L, sample_text) != LUA_OK) return false;
  Sample s = {.seen = 0};
  const CodeDump *d = dump(L, c);
  const unsigned char *bytes = d != NULL ? (const unsigned char *)d->bytes : NULL;
  Reader r = {.at = bytes, .end = d != NULL ? bytes + d->n : NULL};
  size_t n = 0;
  const unsigned char *code = read_code(&r, &n);
  if (!r.bad && is_known(code, n)) run_sample(L, &s);
  bool found = false;
  for (unsigned word = 0; word < WORDS && s.seen == SEEN && !found; word++) {
    found = is_place(&s, word, code, n);
    if (found) c->place = word * sizeof(uintptr_t);
  }
  lua_pop(L, 1);
  if (found) quarantine_begin(L, &c->quarantine);
  return found;
}
