#!/usr/bin/env bash
# StyLua 2.5.2 (npm @johnnymorganz/stylua, WebAssembly): formatCode takes its Config away; the second call with the same
# one raises "null pointer passed to rust".
# Guessed: a configuration is made once and used for all files.
. "$(dirname "$0")/fetch.sh"
fetch_npm @johnnymorganz/stylua@2.5.2
cat >try.js <<'J'
const { Config, OutputVerification, formatCode } = require('@johnnymorganz/stylua');
const config = Config.new();
for (let i = 0; i < 2; i++)
  try { console.log(formatCode('x=1', config, undefined, OutputVerification.None).trim()); }
  catch (e) { console.log(e.message); }
J
same "one Config, twice" "$(node try.js | tr '\n' ',')" "x = 1,null pointer passed to rust,"
