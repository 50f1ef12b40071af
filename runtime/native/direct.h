/* Calls without libffi, for the signatures of most C functions: at most six integers or pointers and eight doubles,
 * where the calling convention passes each kind in registers of its own (System V on x86-64, AAPCS64). One prototype
 * that fills all of them then serves every such function, which reads those that it knows of. Saves the 20 ns of
 * ffi_call. */
#ifndef GILUA_RUNTIME_NATIVE_DIRECT_H
#define GILUA_RUNTIME_NATIVE_DIRECT_H

#include <stdint.h>

#include "runtime/native/signature.h"

#if (defined(__x86_64__) && defined(__LP64__)) || (defined(__aarch64__) && defined(__linux__))
#define DIRECT_CALLS 1
#else
#define DIRECT_CALLS 0
#endif

enum { DIRECT_INTEGERS = 6, DIRECT_REALS = 8 };

/* What the registers are to hold. */
typedef struct Registers {
  int64_t integers[DIRECT_INTEGERS];
  double reals[DIRECT_REALS];
} Registers;

static inline bool direct_is_word(const CType *type) {
  return type->kind >= C_I32 && type->kind <= C_BUFFER && type->kind != C_FLOAT && type->kind != C_DOUBLE &&
         type->kind != C_LONG_DOUBLE;
}

/* direct_possible tells whether a function of this signature can be called so. */
static inline bool direct_possible(const Signature *s) {
  unsigned integers = 0, reals = 0;
  for (unsigned i = 0; i < s->nargs; i++) {
    if (s->args[i]->kind == C_DOUBLE) reals++;
    else if (direct_is_word(s->args[i])) integers++;
    else return false;
  }
  bool ret = s->ret->kind == C_DOUBLE || s->ret->kind == C_VOID || direct_is_word(s->ret);
  return DIRECT_CALLS && !s->variadic && ret && integers <= DIRECT_INTEGERS && reals <= DIRECT_REALS;
}

typedef double (*DirectReal)(int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, double, double, double, double,
                             double, double, double, double);
typedef int64_t (*DirectInteger)(int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, double, double, double, double,
                                 double, double, double, double);

#define DIRECT_ARGUMENTS(r)                                                                                       \
  (r)->integers[0], (r)->integers[1], (r)->integers[2], (r)->integers[3], (r)->integers[4], (r)->integers[5],     \
      (r)->reals[0], (r)->reals[1], (r)->reals[2], (r)->reals[3], (r)->reals[4], (r)->reals[5], (r)->reals[6],    \
      (r)->reals[7]

static inline double direct_call_real(void (*f)(void), const Registers *r) {
  return ((DirectReal)f)(DIRECT_ARGUMENTS(r));
}

static inline int64_t direct_call_integer(void (*f)(void), const Registers *r) {
  return ((DirectInteger)f)(DIRECT_ARGUMENTS(r));
}

#endif
