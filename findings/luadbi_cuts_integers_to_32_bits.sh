#!/usr/bin/env bash
# LuaDBI 0.7.2 with SQLite (Debian 12, Lua 5.4): an INTEGER column is read as a C int, so 5000000000 arrives as
# 705032704, without an error; LuaSQL 2.6.0 reads the same cell as it is.
# Guessed: 5000000000, as an integer or a float. Keys, sizes and times in milliseconds change on the way.
. "$(dirname "$0")/fetch.sh"
fetch lua-dbi-common=0.7.2-4 lua-dbi-sqlite3=0.7.2-4 lua-sql-sqlite3=2.6.0-2 libsqlite3-0=3.40.1-2+deb12u2
cd "$root" || exit
lua5.4 -e 'local c = require "luasql.sqlite3".sqlite3():connect "cells"
  c:execute "create table t (n integer)" c:execute "insert into t values (5000000000)"'
same "as LuaSQL reads it" "$(lua5.4 -e 'local c = require "luasql.sqlite3".sqlite3():connect "cells"
  print((c:execute "select n from t":fetch()))')" "5000000000"
same "as LuaDBI reads it" "$(lua5.4 -e 'local c = assert(require "DBI".Connect("SQLite3", "cells"))
  local s = assert(c:prepare "select n from t") assert(s:execute()) print(s:fetch(true).n)')" "705032704"
