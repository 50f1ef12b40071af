#!/bin/bash
# compare.sh GILUA PROGRAM [ARGUMENT …]: runs PROGRAM under lua5.4 and under gilua, each in a folder of its own; all that both
# write must be the same. A difference that is meant is listed, with its reason, in the table of the program, which makes both alike.
gilua=$(realpath -s "${1:?}"); program=$(realpath "$2"); shift 2
lua=$(command -v lua5.4) || { echo "1..0 # SKIP no lua5.4"; exit 0; }
dir=$(mktemp -d "${TEST_TMPDIR:-/tmp}/peers.XXXXXX"); trap 'rm -rf "$dir"' EXIT
unset LUA_INIT LUA_INIT_5_4 LUA_PATH LUA_PATH_5_4 LUA_CPATH LUA_CPATH_5_4
export TZ=UTC LC_ALL=C
for by in lua gilua; do
  mkdir "$dir/$by" && ln -s "$(dirname "$program")"/* "$(dirname "$program")/../common.lua" "$dir/$by/"
  mkdir "$dir/$by.bin" && ln -s "${!by}" "$dir/$by.bin/lua"
  (cd "$dir/$by" && PATH=$dir/$by.bin:$PATH && exec timeout -k 2 300 lua "$(basename "$program")" "$@") >"$dir/$by.out" 2>&1 </dev/null
  echo "status $?" >>"$dir/$by.out"
done
grep -q "^status 0$" "$dir/lua.out" || { cat "$dir/lua.out" | tail -5; exit 1; }
diff "$dir/lua.out" "$dir/gilua.out" >"$dir/diff" && { echo "ok: $(wc -l <"$dir/lua.out") lines"; exit 0; }
echo "$(basename "$program") $*: lua5.4 (<) and gilua (>) differ"; head -"${PEERS_LINES:-20}" "$dir/diff"; exit 1
