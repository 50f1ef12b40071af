#!/usr/bin/env bash
# typescript-to-lua 1.37.1 (npm), target 5.4: whole numbers become Lua's integers, so a product beyond 2^63 wraps
# around, and -3 % 5 is 2, as Lua has it; TypeScript's own compiler gives 9223372037000250000 and -3.
# Guessed: numbers of TypeScript are floats, so the compiler writes 3037000500.0, and has a function for %, as for its
# other differences (split, parseInt, substring).
. "$(dirname "$0")/fetch.sh"
fetch_npm typescript-to-lua@1.37.1 typescript@6.0.2
cat >try.ts <<'T'
declare const console: { log(this: void, text: string): void };
const side = 3037000500, three = 3;
console.log("" + side * side + " " + (-three % 5));
T
cat >tsconfig.json <<'J'
{ "compilerOptions": { "target": "ESNext", "lib": ["ESNext"], "types": [], "outDir": "out" }, "files": ["try.ts"],
  "tstl": { "luaTarget": "5.4", "luaLibImport": "inline" } }
J
npx tsc && npx tstl
same "as JavaScript" "$(node out/try.js)" "9223372037000250000 -3"
same "as Lua" "$(lua5.4 -e 'console = { log = print }' out/try.lua)" "-9223372036709301616 2"
