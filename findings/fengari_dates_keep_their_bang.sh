#!/usr/bin/env bash
# fengari 0.1.5 (npm), Lua 5.3 in JavaScript: os.date with "!" before a format writes local time, and the "!", too; only
# "!*t" is UTC.
# Guessed: UTC without the "!", as the manual says and as Lua does.
. "$(dirname "$0")/fetch.sh"
fetch_npm fengari@0.1.5
cat >try.js <<'J'
const { lauxlib, lualib, lua, to_luastring } = require('fengari');
const L = lauxlib.luaL_newstate();
lualib.luaL_openlibs(L);
lauxlib.luaL_dostring(L, to_luastring('return os.date("!%Y-%m-%d %H", 0) .. " " .. os.date("!*t", 0).hour'));
console.log(lua.lua_tojsstring(L, -1));
J
same "os.date, an hour east" "$(TZ=Etc/GMT-1 node try.js)" "!1970-01-01 01 0"
