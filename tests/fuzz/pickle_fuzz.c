/* Reading of damaged messages, and use of what came of them, which must not reach the functions of the program:
 * pickle_fuzz [RUNS [SEED [FILE…]]] mutates a corpus; LLVMFuzzerTestOneInput is for libFuzzer and AFL++ (build with
 * -DPICKLE_LIBFUZZER, without main). Every third run allows bytecode, but breaks only what stands around it: Lua's own
 * loader trusts its input. */
#include <lauxlib.h>
#include <lualib.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pool/pickle/pickle.h"
#include "runtime/state/error.h"
#include "runtime/state/release.h"

enum { LARGEST = 1 << 16, MOST_SEEDS = 64, MEMORY_LIMIT = 64 << 20 };

typedef struct Input {
  const uint8_t *bytes;
  size_t size;
  unsigned flags;
} Input;

typedef struct Meter {
  size_t bytes;
} Meter;

/* A reader that asks for more memory than its input can need has been fooled. */
static void *allocate(void *ud, void *block, size_t old_size, size_t size) {
  Meter *m = ud;
  if (block == NULL) old_size = 0;
  m->bytes += size - old_size;
  if (size == 0) {
    free(block);
    return NULL;
  }
  if (m->bytes > MEMORY_LIMIT) abort();
  return realloc(block, size);
}

static int load(lua_State *L) {
  const Input *input = lua_touserdata(L, 1);
  int n = pickle_load(L, input->bytes, input->size, NULL, input->flags, LUA_NOREF);
  PickleMessage m;
  lua_settop(L, n > 1 ? 2 : 1 + n); /* what was read can be written, unless it holds what is refused */
  if (n != 1) return 0;
  if ((input->flags & PICKLE_TRUSTED) <= PICKLE_CLASSES) {
    lua_getglobal(L, "Use");
    lua_pushvalue(L, 2);
    lua_call(L, 1, 0);
    if (lua_getglobal(L, "Sprung") != LUA_TNIL) abort();
    lua_settop(L, 2);
  }
  pickle_dump(L, 2, 1, PICKLE_VALUE, NULL, &m);
  pickle_message_free(L, &m);
  return 0;
}

static const char prepare[] =
    "print, dofile, loadfile, load = nil, nil, nil, nil "
    "function Make(...) Sprung = not Trusted or nil return {...} end "
    "Class = {new = Make} Class.__index = Class Class.__reduce = function(o) return Make, 1 end "
    "Plain = {} Plain.__index = Plain "
    "local function no(f, ...) pcall(f, ...) end "
    "local lt, le = function(a) return a < {} end, function(a) return a <= {} end "
    "local ops = {lt, le, function(a) return a .. 'x' end, function(a) return -a end, function(a) return a + 1 end, "
    "  function(a) return #a end, function(a) return a.any end, function(a) a.any = nil end, function(a) a() end, "
    "  function(a) local _ <close> = a end, tostring, table.sort, table.concat} "
    "local function use(v, seen) "
    "  if type(v) == 'function' then Sprung = true end "
    "  if type(v) ~= 'table' or seen[v] or v == Class or v == Plain then return end "
    "  seen[v] = true "
    "  for _, op in ipairs(ops) do no(op, v) end "
    "  for k, x in next, v do use(k, seen) use(x, seen) end "
    "end "
    "function Use(v) use(v, {}) end ";

static lua_State *new_state(Meter *meter) {
  lua_State *L = release_new_state(allocate, meter);
  if (L == NULL) abort();
  error_open(L);
  luaL_requiref(L, LUA_GNAME, luaopen_base, 1); /* nothing that reaches the system: constructors are called */
  luaL_requiref(L, LUA_STRLIBNAME, luaopen_string, 1);
  luaL_requiref(L, LUA_TABLIBNAME, luaopen_table, 1);
  lua_settop(L, 0);
  if (luaL_dostring(L, prepare) != LUA_OK) abort();
  return L;
}

static void run(lua_State *L, Input *input) {
  lua_settop(L, 0);
  lua_pushboolean(L, (input->flags & PICKLE_TRUSTED) > PICKLE_CLASSES);
  lua_setglobal(L, "Trusted");
  lua_pushcfunction(L, load);
  lua_pushlightuserdata(L, input);
  lua_pcall(L, 1, 0, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  Meter meter = {0};
  lua_State *L = new_state(&meter);
  for (unsigned flags = 0; flags <= PICKLE_CLASSES; flags++) {
    Input input = {bytes, size, flags};
    run(L, &input);
  }
  lua_close(L);
  return 0;
}

#ifndef PICKLE_LIBFUZZER

/* What the corpus is made of when no files are given. */
static const char *const samples[] = {
    "return {1, -2, 300, 70000, 1 << 40, 1.5, 'a', 'text', ('long'):rep(30), true, false}",
    "local t = {} for i = 1, 20 do t[i] = {id = i, x = i / 2, name = 'n' .. i} end return t",
    "local a = {} a.a = a a[a] = {a, {a}} return a",
    "local m = {1} m.__index = m return {setmetatable({}, m), setmetatable({m}, m), m}",
    "return {setmetatable({1}, Plain), setmetatable({}, Class), type, string.rep, string, _G}",
    "local t = {} local v = t for i = 1, 150 do v[1] = {} v = v[1] end return t",
    "local t = {} for i = 1, 300 do t[i] = i end for i = 1, 40 do t['k' .. i] = 'k' .. i % 7 end return t",
    "local m = {} m[1] = setmetatable({}, m) return setmetatable(m, m)",
    "local u, w = 1, {} local function f() return u, f, w end w.f = f return {f, function() u = 2 return w end, type}",
    "return {[{}] = {{}, {}}, [1.5] = 2, [true] = {[false] = 'x'}}",
};

typedef struct Sample {
  uint8_t *bytes;
  size_t size;
} Sample;

typedef struct Corpus {
  Sample samples[MOST_SEEDS];
  unsigned count;
} Corpus;

static void add(Corpus *c, const void *bytes, size_t size) {
  if (c->count == MOST_SEEDS) return;
  uint8_t *copy = malloc(size + 1);
  if (copy == NULL) abort();
  memcpy(copy, bytes, size);
  c->samples[c->count++] = (Sample){copy, size};
}

static void add_file(Corpus *c, const char *path) {
  static uint8_t bytes[LARGEST];
  FILE *f = fopen(path, "rb");
  if (f == NULL) return;
  add(c, bytes, fread(bytes, 1, sizeof bytes, f));
  fclose(f);
}

static void add_samples(Corpus *c, lua_State *L) {
  for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
    PickleMessage m;
    if (luaL_dostring(L, samples[i]) != LUA_OK) abort();
    pickle_dump(L, -1, 1, PICKLE_VALUE, NULL, &m);
    add(c, m.bytes, m.size);
    pickle_message_free(L, &m);
    lua_settop(L, 0);
  }
}

static uint32_t draw(uint64_t *stream, uint32_t limit) {
  *stream ^= *stream << 13;
  *stream ^= *stream >> 7;
  *stream ^= *stream << 17;
  return (uint32_t)((*stream * 0x2545F4914F6CDD1Du) >> 33) % limit;
}

/* Cuts, changes, copies and swaps; size is what the message has, and becomes what it has then. */
static void mutate(uint8_t *bytes, size_t *size, uint64_t *stream, const Corpus *c) {
  static const uint8_t telling[] = {0, 1, 0x7F, 0x80, 0xA0, 0xC0, 0xC5, 0xC8, 0xD8, 0xDA, 0xE0, 0xE6, 0xEA, 0xF0, 0xFF};
  for (unsigned n = 1 + draw(stream, 4); n > 0 && *size > 1; n--) {
    size_t at = draw(stream, (uint32_t)*size);
    switch (draw(stream, 6)) {
      case 0: bytes[at] = (uint8_t)draw(stream, 256); break;
      case 1: bytes[at] = telling[draw(stream, sizeof telling)]; break;
      case 2: bytes[at] ^= (uint8_t)(1u << draw(stream, 8)); break;
      case 3: *size = at + 1; break;
      case 4: {
        size_t length = draw(stream, 16), to = draw(stream, (uint32_t)*size);
        if (at + length <= *size && to + length <= *size) memmove(bytes + to, bytes + at, length);
        break;
      }
      default: {
        const Sample *other = &c->samples[draw(stream, c->count)];
        size_t length = other->size < *size - at ? other->size : *size - at;
        memcpy(bytes + at, other->bytes, length);
      }
    }
  }
}

/* The bytecode in a message must stay as it is. */
static bool same_code(const uint8_t *bytes, size_t size) {
  for (size_t i = 0; i + 4 < size; i++)
    if (memcmp(bytes + i, "\33Lua", 4) == 0) return false;
  return true;
}

int main(int argc, char **argv) {
  long runs = argc > 1 ? strtol(argv[1], NULL, 10) : 200000;
  uint64_t stream = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
  static uint8_t bytes[LARGEST];
  Corpus corpus = {.count = 0};
  Meter meter = {0};
  lua_State *L = new_state(&meter);
  add_samples(&corpus, L);
  for (int i = 3; i < argc; i++) add_file(&corpus, argv[i]);
  printf("# %ld runs, seed %llu, %u samples\n", runs, (unsigned long long)stream, corpus.count);
  stream = stream * 0x9E3779B97F4A7C15u | 1;
  for (long i = 0; i < runs; i++) {
    const Sample *s = &corpus.samples[draw(&stream, corpus.count)];
    size_t size = s->size < LARGEST ? s->size : LARGEST;
    memcpy(bytes, s->bytes, size);
    mutate(bytes, &size, &stream, &corpus);
    Input input = {malloc(size), size, i % 3 == 0 ? 0 : PICKLE_CLASSES}; /* a block of its own: reads beyond it show */
    if (input.bytes == NULL) abort();
    memcpy((void *)input.bytes, bytes, size);
    if (i % 3 == 2 && same_code(bytes, size)) input.flags |= PICKLE_TRUSTED;
    run(L, &input);
    free((void *)input.bytes);
    if (i % 100000 == 99999) { /* what constructors and classes of the samples may have become */
      lua_close(L);
      L = new_state(&meter);
    }
  }
  lua_close(L);
  if (meter.bytes != 0) abort();
  for (unsigned i = 0; i < corpus.count; i++) free(corpus.samples[i].bytes);
  printf("ok - damaged messages are errors\n");
  return 0;
}
#endif
