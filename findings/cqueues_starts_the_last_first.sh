#!/usr/bin/env bash
# cqueues 20200726 (Debian 12, Lua 5.4): coroutines that wait to be started are started in reverse: who was wrapped last
# runs first.
# Guessed: in the order of their wraps. A server that wraps "listen" before "connect" runs them the other way round.
. "$(dirname "$0")/fetch.sh"
fetch lua-cqueues=20200726-1+b1
same "order of three coroutines, before and behind a sleep" "$(lua5.4 -e 'local cqueues = require "cqueues"
  local queue = cqueues.new()
  for i = 1, 3 do queue:wrap(function() io.write(i, " ") cqueues.sleep(0) io.write("then ", i, " ") end) end
  assert(queue:loop())')" "3 2 1 then 1 then 2 then 3 "
