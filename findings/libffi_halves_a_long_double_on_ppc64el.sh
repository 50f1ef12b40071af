#!/usr/bin/env bash
# libffi 3.4.4 (Debian 12), ppc64el: where a long double is the last floating-point argument of a closure, the closure
# gets the first of its two doubles and garbage for the second, so a third arrives with 53 good bits. With a double
# behind it all arrives.
# Guessed: whatever ffi_call hands over right, as it does here, a closure receives right.
. "$(dirname "$0")/fetch.sh"
cross ppc64el powerpc64le-linux-gnu 12.2.0-14cross1 2.40-2 2.36-8cross1 6.1.4-1cross1
cat >"$root/ask.c" <<'C'
#include <ffi.h>
#include <stdio.h>
#include <string.h>

static double given[2], seen[2];
static void receive(ffi_cif *cif, void *result, void **values, void *user) {
  (void)cif, (void)result, (void)user;
  memcpy(seen, values[0], sizeof seen);
}
static void direct(long double x) { memcpy(seen, &x, sizeof seen); }
static void tell(const char *what) {
  printf("%s: %s %s\n", what, seen[0] == given[0] ? "right" : "wrong", seen[1] == given[1] ? "right" : "wrong");
}

int main(void) {
  ffi_type *types[] = { &ffi_type_longdouble, &ffi_type_double };
  volatile long double one = 1;
  long double third = one / 3;
  void *code, *values[] = { &third };
  memcpy(given, &third, sizeof given);
  ffi_cif alone, two;
  ffi_prep_cif(&alone, FFI_DEFAULT_ABI, 1, &ffi_type_void, types);
  ffi_prep_cif(&two, FFI_DEFAULT_ABI, 2, &ffi_type_void, types);
  ffi_call(&alone, FFI_FN(direct), NULL, values);
  tell("call");
  ffi_closure *closure = ffi_closure_alloc(sizeof *closure, &code);
  ffi_prep_closure_loc(closure, &alone, receive, NULL, code);
  ((void (*)(long double))code)(third);
  tell("closure");
  ffi_prep_closure_loc(closure, &two, receive, NULL, code);
  ((void (*)(long double, double))code)(third, 1);
  tell("with a double behind");
}
C
same "both halves of a long double" "$(cross_run ppc64le | tr '\n' ',')" \
  "call: right right,closure: right wrong,with a double behind: right right,"
