#!/usr/bin/env bash
# luamin 1.0.4 and lua-format 1.5.2 (npm): a ";" before a statement that begins with a parenthesis is dropped and
# nothing put in its place, so that the line before it becomes a call: `local f = print; (f or error)("x")` calls print
# with f.
# Guessed: a semicolon stays where a parenthesis follows, the one place where Lua's grammar needs it.
. "$(dirname "$0")/fetch.sh"
fetch_npm luamin@1.0.4 lua-format@1.5.2
script='local f = print; (f or error)("x")'
same "before" "$(lua5.4 -e "$script")" "x"
same "luamin" "$(node -e 'console.log(require("luamin").minify(process.argv[1]))' "$script")" \
  'local a=print(a or error)("x")'
cat >try.js <<'J'
const log = console.log;
console.log = () => {};
const options = { RenameVariables: true, RenameGlobals: false, SolveMath: false };
const text = require('lua-format').Minify(process.argv[2], options);
log(text.replace(/^--\[\[[^]*?--\]\]/, '').trim());
J
same "lua-format" "$(node try.js "$script")" 'local a=print(a or error)("x")'
