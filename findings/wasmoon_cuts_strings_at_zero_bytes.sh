#!/usr/bin/env bash
# wasmoon 1.16.0 (npm), Lua 5.4 in WebAssembly: strings end at their first zero byte on the way in and on the way out.
# Guessed: they cross whole, as lengths are known on both sides. Binary data (string.pack, string.dump) comes out short.
. "$(dirname "$0")/fetch.sh"
fetch_npm wasmoon@1.16.0
cat >try.js <<'J'
const { LuaFactory } = require('wasmoon');
(async () => {
  const lua = await new LuaFactory().createEngine();
  lua.global.set('s', 'ab\0cd');
  console.log(await lua.doString('return #s'), (await lua.doString('return "ab\\0cd"')).length,
    await lua.doString('return #"ab\\0cd"'));
})();
J
same "length of five characters: in, out, inside" "$(node try.js)" "2 2 5"
