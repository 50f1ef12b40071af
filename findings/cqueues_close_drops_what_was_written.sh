#!/usr/bin/env bash
# cqueues 20200726 (Debian 12, Lua 5.4): socket:write keeps what follows the last newline in a buffer, and close throws
# that away; the peer sees the end of the stream, nobody an error.
# Guessed: close writes out what is buffered, as that of io's files and C's streams does. A message whose last line has
# no newline loses it, unless flush goes before close.
. "$(dirname "$0")/fetch.sh"
fetch lua-cqueues=20200726-1+b1
ask() { lua5.4 -e 'local a, b = require "cqueues.socket".pair()
  a:write("one\ntwo") '"$1"' a:close() io.write(tostring(b:read "*l"), " ", tostring(b:read "*l"))'; }
same "close alone" "$(ask "")" "one nil"
same "flush before it" "$(ask "a:flush()")" "one two"
