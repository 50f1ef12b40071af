#!/usr/bin/env bash
# wasmoon 1.16.0 (npm), Lua 5.4 in WebAssembly: a whole number of JavaScript goes in as an integer, whatever its size:
# 2^64 and 1e300 arrive as the integer 0.
# Guessed: what is beyond 64 bits goes in as a float.
. "$(dirname "$0")/fetch.sh"
fetch_npm wasmoon@1.16.0
cat >try.js <<'J'
const { LuaFactory } = require('wasmoon');
(async () => {
  const lua = await new LuaFactory().createEngine();
  for (const x of [2 ** 53, 2 ** 64, 1e300, 0.5]) {
    lua.global.set('x', x);
    console.log(await lua.doString('return math.type(x) .. " " .. tostring(x)'));
  }
})();
J
same "2^53, 2^64, 1e300, 0.5" "$(node try.js | tr '\n' ',')" \
  "integer 9007199254740992,integer 0,integer 0,float 0.5,"
