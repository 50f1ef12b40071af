#!/usr/bin/env bash
# libffi 3.4.4 (Debian 12), mips64el: a closure whose result is a struct of two floats does not hand it over; the caller
# reads what the registers held before, here the 7 and 8 of the call before it. ffi_call of a compiled function with
# that result gets it, and a closure with two doubles gives them.
# Guessed: the two floats come back, in $f0 and $f2, as the ABI has it and the compiler reads them.
. "$(dirname "$0")/fetch.sh"
cross mips64el mips64el-linux-gnuabi64 12.2.0-14cross5 2.40-2cross2 2.36-8cross2 6.1.8-1cross2
cat >"$root/ask.c" <<'C'
#include <ffi.h>
#include <stdio.h>
#include <string.h>

typedef struct { float x, y; } Floats;
typedef struct { double x, y; } Doubles;
static const Floats floats = { 1.5f, 2.5f };
static const Doubles doubles = { 1.5, 2.5 };
static void give(ffi_cif *cif, void *result, void **values, void *user) {
  (void)values;
  memcpy(result, user, cif->rtype->size);
}
static Floats direct(void) { return floats; }
__attribute__((noinline)) static Floats others(float x) { return (Floats){ x, x + 1 }; }

int main(void) {
  ffi_type *f = &ffi_type_float, *d = &ffi_type_double, *two[] = { f, f, NULL }, *wide[] = { d, d, NULL };
  ffi_type type = { .type = FFI_TYPE_STRUCT, .elements = two }, wider = { .type = FFI_TYPE_STRUCT, .elements = wide };
  ffi_cif cif, other;
  ffi_prep_cif(&cif, FFI_DEFAULT_ABI, 0, &type, NULL);
  ffi_prep_cif(&other, FFI_DEFAULT_ABI, 0, &wider, NULL);
  union { Floats value; ffi_arg word[2]; } called;
  ffi_call(&cif, FFI_FN(direct), &called, NULL);
  void *code;
  ffi_closure *closure = ffi_closure_alloc(sizeof *closure, &code);
  ffi_prep_closure_loc(closure, &cif, give, (void *)&floats, code);
  volatile float seven = 7;
  Floats before = others(seven); /* what the registers hold when the closure is called */
  Floats got = ((Floats (*)(void))code)();
  ffi_prep_closure_loc(closure, &other, give, (void *)&doubles, code);
  Doubles also = ((Doubles (*)(void))code)();
  printf("before %g %g, call %g %g, closure %g %g, of doubles %g %g\n", before.x, before.y, called.value.x, called.value.y,
         got.x, got.y, also.x, also.y);
}
C
same "two floats" "$(cross_run mips64el)" "before 7 8, call 1.5 2.5, closure 7 8, of doubles 1.5 2.5"
