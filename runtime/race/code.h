/* The instruction at which a count hook is called, and the constants of its function. Lua's public interface has neither, so two
 * things are known here of how 5.4 is inside, and both are tried out before anybody relies on them:
 *
 *   where a call keeps its place    lua_Debug.i_ci points to the record of the call; at which of its words the address of the next
 *                                   instruction is, code_begin finds by running a function whose instructions it knows
 *   what instructions look like     the format of lua_dump, which is the same in all of 5.4, and so are the instructions in it
 *
 * Where that does not go as expected, as in Lua 5.5, there is no instruction and no race is looked for.
 */
#ifndef GILUA_RUNTIME_RACE_CODE_H
#define GILUA_RUNTIME_RACE_CODE_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/race/quarantine.h"

/* The instructions that reach tables and captured variables. */
enum {
  CODE_GETUPVAL = 9, CODE_SETUPVAL, CODE_GETTABUP, CODE_GETTABLE, CODE_GETI, CODE_GETFIELD,
  CODE_SETTABUP, CODE_SETTABLE, CODE_SETI, CODE_SETFIELD, CODE_SELF = 20, CODE_LEN = 52,
};

static inline unsigned code_op(uint32_t code) { return code & 0x7f; }
static inline unsigned code_a(uint32_t code) { return code >> 7 & 0xff; }
static inline unsigned code_b(uint32_t code) { return code >> 16 & 0xff; }
static inline unsigned code_c(uint32_t code) { return code >> 24; }
static inline bool code_k(uint32_t code) { return (code >> 15 & 1) != 0; }

enum { CODE_KEPT = 64 };

/* A function as lua_dump gives it, up to its constants. */
typedef struct CodeDump {
  const void *function; /* NULL: none */
  char *bytes;
  size_t n;
  bool read;            /* captured is known */
  uint64_t captured[4]; /* registers that functions inside it capture, as bits */
} CodeDump;

/* Guarded by the interpreter lock. */
typedef struct Code {
  size_t place; /* bytes from lua_Debug.i_ci to the address of the next instruction */
  CodeDump kept[CODE_KEPT];
  Quarantine quarantine; /* so that an address is one instruction */
} Code;

/* code_begin finds the place; false: not in this Lua. From then on nothing of L's state is freed: the process ends without closing it.
 * L is not used by others; may raise errors of memory. */
bool code_begin(lua_State *L, Code *c);

/* code_at is the address of the instruction that runs next, in a count hook whose function is one of Lua. */
static inline const uint32_t *code_at(const Code *c, const lua_Debug *ar) {
  return *(const uint32_t *const *)((const char *)ar->i_ci + c->place) - 1;
}

/* code_text gives the k-th constant, from 0, of the Lua function on top of the stack; NULL: it is no string. It is good until the
 * next call. */
const char *code_text(lua_State *L, Code *c, unsigned k, size_t *n);

/* code_captured is CodeDump.captured of that function; NULL: not known. */
const uint64_t *code_captured(lua_State *L, Code *c);

/* code_worn tells that too much memory was kept, so that addresses may be used again: nothing can be said any more. */
static inline bool code_worn(const Code *c) { return c->quarantine.full; }

#endif
