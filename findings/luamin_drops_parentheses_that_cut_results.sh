#!/usr/bin/env bash
# luamin 1.0.4 (npm): `return (f())` becomes `return f()`, which returns all results of f in the place of one.
# Guessed: return(f()), as the parentheses around a call are part of its meaning in Lua.
. "$(dirname "$0")/fetch.sh"
fetch_npm luamin@1.0.4
same "return (f())" "$(node -e 'console.log(require("luamin").minify("return (f())"))')" "return f()"
script='local function f() return 1, 2 end print((f()))'
same "before" "$(lua5.4 -e "$script")" "1"
same "after" "$(lua5.4 -e "$(node -e 'console.log(require("luamin").minify(process.argv[1]))' "$script")")" "1	2"
