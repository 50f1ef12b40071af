/* Which instructions other threads may notice: where a thread may be preempted. What lies between two of them is its own, so a
 * preemption there is the same as one before the next. These are
 *
 *   accesses           to fields, captured variables and lengths, as races.h sees them
 *   calls              of C functions, and what may call one by a metamethod or <close>
 *   returns            to C code, which may go on with something others notice: the end of a thread, a lock that is given back
 *   local variables    that a closure has captured, in the function that declares them
 *
 * Finalizers are not counted: who collects is not the program's to say.
 */
#ifndef GILUA_RUNTIME_RACE_VISIBLE_H
#define GILUA_RUNTIME_RACE_VISIBLE_H

#include "runtime/race/code.h"

typedef struct Mark Mark;

/* Guarded by the interpreter lock. */
typedef struct Visible {
  Mark *slots; /* a table with open addressing: what is known of an instruction, by address */
  uint64_t room, n;
} Visible;

/* What others may notice: an access as races.h sees it, and nothing else; or anything. */
typedef enum Notice { NOTICE_NOTHING, NOTICE_ACCESS, NOTICE_ANYTHING } Notice;

/* visible_next tells what others may notice of the instruction that runs next, where L is in a count hook. If in doubt, anything. */
Notice visible_next(Visible *v, Code *c, lua_State *L, lua_Debug *ar);

#endif
