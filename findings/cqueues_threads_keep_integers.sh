#!/usr/bin/env bash
# cqueues 20200726 (Debian 12): thread.start hands numbers over with their subtype: 7 stays an integer, 7.0 a float.
# Guessed: floats, as it was written for Lua 5.1 and 5.2 and as lua-luv does it. Code that moves from one to the other changes
# its keys and its output.
. "$(dirname "$0")/fetch.sh"
fetch lua-cqueues=20200726-1+b1
same "arguments of thread.start" "$(lua5.4 -e 'local thread = require "cqueues.thread"
  thread.start(function(_, a, b) print(math.type(a), a, math.type(b), b) end, 7, 7.0):join()')" "integer	7	float	7.0"
