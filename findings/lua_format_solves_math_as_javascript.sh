#!/usr/bin/env bash
# lua-format 1.5.2 (npm): the option SolveMath, which replaces constant expressions by their values, calculates as
# JavaScript does: -3 % 5 becomes -3 where Lua has 2, 2^2 the integer 4, #{...} becomes 1, and "a" < "b" false.
# Guessed: expressions whose values differ in Lua stay as they are, or get Lua's value.
. "$(dirname "$0")/fetch.sh"
fetch_npm lua-format@1.5.2
cat >try.js <<'J'
const { Beautify } = require('lua-format');
const log = console.log;
console.log = () => {};
const text = Beautify(process.argv[2], { RenameVariables: false, RenameGlobals: false, SolveMath: true });
log(text.replace(/^--\[\[[^]*?--\]\]/, '').trim());
J
script="print(-3 % 5, 2^2, #{...}, 'a' < 'b' and 1 or 2)"
same "before" "$(lua5.4 -e "$script")" "2	4.0	0	1"
same "after" "$(node try.js "$script")" "print(-3, 4, 1, 2)"
