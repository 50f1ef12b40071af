#!/usr/bin/env bash
# lua-luv 1.44.2 (Debian 12, Lua 5.4): an error that nobody catches in a function of new_thread ends the whole process,
# with status 255; one in a function of new_work is printed, and the program goes on.
# Guessed: the thread ends, its error is printed, and join returns.
. "$(dirname "$0")/fetch.sh"
fetch lua-luv=1.44.2-0-1 libuv1=1.44.2-1+deb12u1
said=$(lua5.4 -e 'require "luv".new_thread(function() error "lost" end):join() print "joined"' 2>/dev/null)
same "in a thread: status, output" "$? $said" "255 "
said=$(lua5.4 -e 'local uv = require "luv"
  uv.new_work(function() error "lost" end, function(...) print("finished", select("#", ...)) end):queue()
  uv.run()' 2>/dev/null)
same "in work: status, output" "$? $said" "0 finished	0"
