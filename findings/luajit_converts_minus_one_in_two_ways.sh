#!/usr/bin/env bash
# LuaJIT 2.1.0-beta3 (Debian 12, x86-64): ffi.cast("uint64_t", -1) is 2^63 in the interpreter and 2^64 - 1 in compiled
# code, so a loop changes its results when it gets hot. -1ULL and a cast by way of int64_t give 2^64 - 1 in both.
# Guessed: 18446744073709551615ULL everywhere, as from (uint64_t)-1 in C. The manual says that a number is truncated; C
# leaves that conversion of a negative double undefined, and so does it.
. "$(dirname "$0")/fetch.sh"
[ "$(uname -m)" = x86_64 ] || { echo "for x86-64 only"; exit; }
fetch luajit=2.1.0~beta3+git20220320+dfsg-4.1+deb12u1
same "once" "$(luajit -e 'print(require "ffi".cast("uint64_t", -1))')" "9223372036854775808ULL"
same "the thousandth time" "$(luajit -e 'local ffi = require "ffi"
  local n for i = 999, 0, -1 do n = ffi.cast("uint64_t", -1 - i) end print(n)')" "18446744073709551615ULL"
same "the same without the compiler" "$(luajit -joff -e 'local ffi = require "ffi"
  local n for i = 999, 0, -1 do n = ffi.cast("uint64_t", -1 - i) end print(n)')" "9223372036854775808ULL"
same "by way of int64_t" "$(luajit -e 'local ffi = require "ffi"
  print(ffi.cast("uint64_t", ffi.cast("int64_t", -1)), -1ULL)')" "18446744073709551615ULL	18446744073709551615ULL"
