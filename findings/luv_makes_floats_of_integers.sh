#!/usr/bin/env bash
# lua-luv 1.44.2 (Debian 12): integers that go to another thread, or come back from one, are floats there: 1 arrives as 1.0.
# Guessed: an integer stays an integer, since both ends are Lua 5.4. So an index or a count that crossed needs math.tointeger,
# and a number that was printed or made part of a key is another one.
. "$(dirname "$0")/fetch.sh"
fetch lua-luv=1.44.2-0-1 libuv1=1.44.2-1+deb12u1
same "argument of new_thread" "$(lua5.4 -e 'local uv = require "luv" uv.new_thread(function(n) print(math.type(n), n) end, 7):join()')" \
  "float	7.0"
same "result of new_work" "$(lua5.4 -e 'local uv = require "luv"
  uv.new_work(function(n) return n end, function(n) print(math.type(n), n) end):queue(7) uv.run()')" "float	7.0"
same "hrtime, nanoseconds" "$(lua5.4 -e 'print(math.type(require "luv".hrtime()))')" "float"
