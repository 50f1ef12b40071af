#!/usr/bin/env bash
# libffi 3.4.4 (Debian 12), arm64: a struct of more than 16 bytes that holds a long double goes by reference; where the
# registers are used up, libffi aligns that address on the stack to 16 bytes, as if it were the struct. The function
# looks for it, and for all that follows, one word earlier; ffi_prep_cif says FFI_OK.
# Guessed: the address takes the next word, as the procedure call standard says and compilers do. (The function here
# reads only what stands beside the struct; one that reads the struct follows a word that is no address.)
. "$(dirname "$0")/fetch.sh"
cross arm64 aarch64-linux-gnu 12.2.0-14cross1 2.40-2 2.36-8cross1 6.1.4-1cross1
cat >"$root/ask.c" <<'C'
#include <ffi.h>
#include <stdio.h>

typedef struct { long n; long double x; } Big;
static void ask(long a, long b, long c, long d, long e, long f, long g, long h, long ninth, Big big, long last) {
  (void)big;
  int before = a == 1 && b == 2 && c == 3 && d == 4 && e == 5 && f == 6 && g == 7 && h == 8 && ninth == 9;
  printf("%s %s, ", before ? "right" : "wrong", last == 11 ? "right" : "wrong");
}

int main(void) {
  ffi_type *l = &ffi_type_slong, *parts[] = { l, &ffi_type_longdouble, NULL };
  ffi_type big = { .type = FFI_TYPE_STRUCT, .elements = parts };
  ffi_type *types[] = { l, l, l, l, l, l, l, l, l, &big, l };
  long n[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 11 };
  Big value = { 1, 2 };
  void *values[11];
  for (int i = 0; i < 11; i++) values[i] = i == 9 ? (void *)&value : &n[i];
  ffi_cif cif;
  int status = ffi_prep_cif(&cif, FFI_DEFAULT_ABI, 11, &ffi_type_void, types);
  ask(1, 2, 3, 4, 5, 6, 7, 8, 9, value, 11);
  ffi_call(&cif, FFI_FN(ask), NULL, values);
  printf("status %d\n", status);
}
C
same "before and behind the struct: a direct call, ffi_call" "$(cross_run aarch64)" "right right, right wrong, status 0"
