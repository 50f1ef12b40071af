/* The classes of the System V ABI for x86-64, 3.2.3, and of the AAPCS64, 6.4.2, as far as they are needed. */
#include "runtime/native/abi.h"

#if defined(__x86_64__)
enum { WORD = 8, INTEGER_REGISTERS = 6, REAL_REGISTERS = 8 };

/* The registers that a value takes. */
typedef struct Registers {
  unsigned integers, reals;
  bool first_is_integer;
} Registers;

/* Notes for each word of a value that begins `at` bytes behind its first whether something in it is no float; false: the
 * value is passed in memory. */
static bool classify(const CType *type, size_t at, bool is_integer[2]) {
  if (type->kind == C_LONG_DOUBLE || at + type->size > (size_t)2 * WORD) return false;
  if (type->kind == C_ARRAY) {
    for (size_t i = 0; i < type->count; i++)
      if (!classify(type->element, at + i * type->element->size, is_integer)) return false;
  } else if (type->kind == C_STRUCT) {
    for (size_t i = 0; i < type->count; i++)
      if (!classify(type->fields[i].type, at + type->fields[i].offset, is_integer)) return false;
  } else if (type->kind != C_FLOAT && type->kind != C_DOUBLE) {
    is_integer[at / WORD] = true;
  }
  return true;
}

static bool in_registers(const CType *type, Registers *r) {
  bool is_integer[2] = {false, false};
  if (type->size == 0 || !classify(type, 0, is_integer)) return false;
  unsigned words = type->size > WORD ? 2 : 1;
  r->integers = (unsigned)is_integer[0] + (words == 2 && is_integer[1]);
  r->reals = words - r->integers;
  r->first_is_integer = is_integer[0];
  return true;
}

bool abi_can_return(const CType *type) {
  if (type->kind != C_STRUCT || type->size > sizeof(long double)) return true;
  while (type->kind == C_STRUCT || type->kind == C_ARRAY)
    type = type->kind == C_STRUCT ? type->fields[0].type : type->element;
  return type->kind != C_LONG_DOUBLE;
}

int abi_split(const Signature *s) {
  Registers r;
  unsigned integers = s->ret->kind == C_STRUCT && !in_registers(s->ret, &r), reals = 0; /* where a result goes to */
  for (unsigned i = 0; i < s->nargs; i++) {
    if (!in_registers(s->args[i], &r)) continue;
    if (integers + r.integers > INTEGER_REGISTERS || reals + r.reals > REAL_REGISTERS) continue; /* goes in memory */
    if (s->args[i]->kind == C_STRUCT && r.integers == 1 && r.reals == 1 && r.first_is_integer &&
        integers + 1 == INTEGER_REGISTERS)
      return (int)i;
    integers += r.integers;
    reals += r.reals;
  }
  return -1;
}
void abi_split_types(const CType *type, ffi_type *parts[2]) {
  parts[0] = &ffi_type_uint64;
  parts[1] = type->size < (size_t)2 * WORD ? &ffi_type_float : &ffi_type_double; /* 12 bytes, or 16 */
}
#else
bool abi_can_return(const CType *type) { return type != NULL; }
int abi_split(const Signature *s) { return s == NULL ? 0 : -1; }
void abi_split_types(const CType *type, ffi_type *parts[2]) { parts[0] = parts[1] = type->ffi; }
#endif

#if defined(__aarch64__)
/* The general registers that an argument takes; those of floats alone are counted, too, which only refuses more. */
static unsigned general_registers(const CType *type) {
  enum { WORD = 8 };
  if (type->kind == C_FLOAT || type->kind == C_DOUBLE || type->kind == C_LONG_DOUBLE) return 0;
  return type->size > (size_t)2 * WORD ? 1 : (unsigned)((type->size + WORD - 1) / WORD);
}

int abi_misplaced(const Signature *s) {
  enum { REGISTERS = 8, WORD = 8 };
  unsigned used = 0;
  for (unsigned i = 0; i < s->nargs; i++) {
    const CType *type = s->args[i];
    used += general_registers(type);
    if (type->kind == C_STRUCT && type->size > (size_t)2 * WORD && type->align > WORD && used > REGISTERS) return (int)i;
  }
  return -1;
}
#else
int abi_misplaced(const Signature *s) { return s == NULL ? 0 : -1; }
#endif
