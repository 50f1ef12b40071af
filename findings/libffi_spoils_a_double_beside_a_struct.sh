#!/usr/bin/env bash
# libffi 3.4.4 (Debian 12), x86-64: a struct of a long and a double that takes the last free integer register arrives by
# ffi_call as it should, but the function's first double argument is spoilt, though ffi_prep_cif says FFI_OK.
# Guessed: as in a direct call; the struct is halved into an integer and a floating-point register, and all of them fit.
# Whatever is built on libffi inherits it without a word.
. "$(dirname "$0")/fetch.sh"
[ "$(uname -m)" = x86_64 ] || { echo "for x86-64 only"; exit; }
fetch libffi8=3.4.4-1 libffi-dev=3.4.4-1
cat >"$root/ask.c" <<'C'
#include <ffi.h>
#include <stdio.h>

typedef struct { long n; double d; } Pair;
static double first(double d, long a, long b, long c, long e, long f, Pair p) {
  printf("%s ", a == 1 && b == 2 && c == 3 && e == 4 && f == 5 && p.n == 7 && p.d == 8 ? "right" : "wrong");
  return d;
}

int main(void) {
  ffi_type *l = &ffi_type_slong, *parts[] = { l, &ffi_type_double, NULL };
  ffi_type pair = { .type = FFI_TYPE_STRUCT, .elements = parts };
  ffi_type *types[] = { &ffi_type_double, l, l, l, l, l, &pair };
  double d = 2.25, result = 0;
  long n[] = { 1, 2, 3, 4, 5 };
  Pair p = { 7, 8 };
  void *values[] = { &d, &n[0], &n[1], &n[2], &n[3], &n[4], &p };
  ffi_cif cif;
  int status = ffi_prep_cif(&cif, FFI_DEFAULT_ABI, 7, &ffi_type_double, types);
  ffi_call(&cif, FFI_FN(first), &result, values);
  printf("%s, status %d\n", result == d ? "right" : "wrong", status);
}
C
lib=usr/lib/$(gcc -print-multiarch)
gcc -O1 -I"$root/usr/include/$(gcc -print-multiarch)" "$root/ask.c" -o "$root/ask" -L"$root/$lib" -lffi
same "the integers and the struct, then the double before them" "$("$root/ask")" "right wrong, status 0"
