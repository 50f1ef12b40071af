#!/usr/bin/env bash
# luacheck 1.1.0 (Debian 12) reads `local x <close> = …` of Lua 5.4 and calls x unused, though it is used where its
# block ends.
# Guessed: no warning, since the attribute is parsed and such a variable exists for its end alone. It also lets an
# assignment to a <const> variable pass, which Lua 5.4 does not compile.
. "$(dirname "$0")/fetch.sh"
lua=5.1
fetch lua-check=1.1.0-1 lua-argparse=0.7.1-2 lua-filesystem=1.8.0-3 lua5.1=5.1.5-9
ask() { printf '%s\n' "$1" | luacheck --no-color --std lua54 - | sed -n 's/^    stdin://p'; }
same "to be closed" "$(ask 'local guard <close> = io.tmpfile()')" "1:7: unused variable 'guard'"
same "assigned though constant" "$(ask 'local n <const> = 1 print(n) n = 2 print(n)')" ""
