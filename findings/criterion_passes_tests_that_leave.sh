#!/usr/bin/env bash
# Criterion 2.4.1 (Debian 12): a test that ends its process by exit(0) or _exit(0) passes, though its assertions behind
# that never ran. Only an assertion that failed before makes it fail.
# Guessed: it fails or counts as crashed, as with Check ("early exit"), since a test that is done returns to the runner.
. "$(dirname "$0")/fetch.sh"
fetch libcriterion3=2.4.1-2 libcriterion-dev=2.4.1-2 libnanomsg5=1.1.5+dfsg-1.1+b1 libgit2-1.5=1.5.1+ds-1+deb12u2 \
  libffi8=3.4.4-1 libmbedcrypto7=2.28.3-1 libmbedtls14=2.28.3-1 libmbedx509-1=2.28.3-1 libssh2-1=1.10.0-3+deb12u1 \
  libhttp-parser2.9=2.9.4-5
cat >"$root/ask.c" <<'C'
#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

static void library_that_gives_up(void) { exit(0); }
static void at_once(void) { _exit(0); }
Test(ask, exit) {
  library_that_gives_up();
  cr_assert(0);
}
Test(ask, exit_at_once) {
  at_once();
  cr_assert(0);
}
Test(ask, failed_before) {
  cr_expect(0);
  exit(0);
}
C
gcc -I"$root/usr/include" "$root/ask.c" -o "$root/ask" "$root/usr/lib/$(gcc -print-multiarch)/libcriterion.so.3"
same "three tests" "$("$root/ask" -j1 --verbose 2>&1 |
  sed -n 's/^\[\(PASS\|FAIL\)\] ask::\([a-z_]*\).*/\2 \1/p' | tr '\n' ',')" \
  "exit PASS,exit_at_once PASS,failed_before FAIL,"
