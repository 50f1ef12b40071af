#!/usr/bin/env bash
# luaposix 33.4.0 (Debian 12, Lua 5.3): what getrlimit returns for "unlimited", handed to setrlimit, sets another limit,
# 2^64 - 2^31 bytes, of the soft and the hard one. Who has no privileges cannot take the hard one back.
# Guessed: setrlimit(what, getrlimit(what)) changes nothing.
. "$(dirname "$0")/fetch.sh"
lua=5.3
fetch lua5.3=5.3.6-2 lua-posix=33.4.0-3+b1
[ "$(ulimit -H -v)" = unlimited ] || { echo "for an unlimited address space only"; exit; }
same "unlimited, stored as it was read" "$(lua5.3 -e 'local r = require "posix.sys.resource"
  r.setrlimit(r.RLIMIT_AS, r.getrlimit(r.RLIMIT_AS))
  for line in io.lines "/proc/self/limits" do
    local soft, hard = line:match "^Max address space%s+(%S+)%s+(%S+)"
    if soft then print(soft, hard) end
  end')" "18446744071562067968	18446744071562067968"
