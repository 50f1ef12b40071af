#!/usr/bin/env bash
# fengari 0.1.5 (npm), Lua 5.3 in JavaScript: numbers become text by JavaScript's rules: 1/0 is "Infinity", 0/0 "NaN",
# 1e15 is 1000000000000000.0, and -0.0 loses its sign. Lua's tonumber does not read the first two, and fengari's own
# does not read "NaN".
# Guessed: inf, nan or -nan, 1e+15 and -0.0; only the 32 bits of its integers are documented to differ.
. "$(dirname "$0")/fetch.sh"
fetch_npm fengari@0.1.5
cat >try.js <<'J'
const { lauxlib, lualib, lua, to_luastring } = require('fengari');
const L = lauxlib.luaL_newstate();
lualib.luaL_openlibs(L);
lauxlib.luaL_dostring(L, to_luastring(process.argv[2]));
console.log(lua.lua_tojsstring(L, -1));
J
script='return table.concat({tostring(1/0), tostring(0/0), tostring(1e15), tostring(-0.0), ("%g"):format(1e20)}, " ")'
same "fengari" "$(node try.js "$script")" "Infinity NaN 1000000000000000.0 0.0 100000000000000000000"
same "Lua 5.4" "$(lua5.4 -e "print((function() $script end)())")" "inf -nan 1e+15 -0.0 1e+20"
same "read by Lua 5.4" "$(lua5.4 -e 'print(tonumber "Infinity", tonumber "1e400")')" "nil	inf"
