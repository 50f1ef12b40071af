#!/usr/bin/env bash
# LPeg 1.0.2 (Debian 12): a rule that calls itself last, S <- 'x' S / '', matches a million bytes; its limit of 400 pending calls
# does not count there, because a call at the end of a rule becomes a jump.
# Guessed: "stack overflow" beyond 400. With anything behind the call the limit counts.
. "$(dirname "$0")/fetch.sh"
fetch lua-lpeg=1.0.2-2
same "call at the end of the rule" "$(lua5.4 -e 'local l = require "lpeg"
  print(l.match(l.P { l.P "x" * l.V(1) + true }, ("x"):rep(1000000)))')" "1000001"
same "something behind the call" "$(lua5.4 -e 'local l = require "lpeg"
  local ok, e = pcall(l.match, l.P { l.P "x" * l.V(1) * l.P "y" + true }, ("x"):rep(1000) .. ("y"):rep(1000)) print(ok)')" "false"
