#!/usr/bin/env bash
# wasmoon 1.16.0 (npm): setting a global to null raises a TypeError of its own inside, though nil comes out of Lua as null.
# Guessed: nil arrives. undefined is what stands for nil on the way in.
. "$(dirname "$0")/fetch.sh"
fetch_npm wasmoon@1.16.0
cat >try.js <<'J'
const { LuaFactory } = require('wasmoon');
(async () => {
  const lua = await new LuaFactory().createEngine();
  console.log(await lua.doString('return nil'));
  try { lua.global.set('x', null); console.log('set'); } catch (e) { console.log(e.constructor.name); }
  lua.global.set('x', undefined);
  console.log(await lua.doString('return type(x)'));
})();
J
same "nil out, null in, undefined in" "$(node try.js | tr '\n' ' ')" "null TypeError nil "
