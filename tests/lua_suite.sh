#!/bin/bash
# lua_suite.sh GILUA [PATH]: runs all.lua of the official tests of Lua, unmodified, in a copy of the folder PATH.
gilua=$(realpath -s "${1:?}"); suite=$2
[ -n "$suite" ] || { echo "1..0 # SKIP no path is given: bazel test //tests:lua_suite_test --//tests:lua_suite=PATH"; exit 0; }
[ -f "$suite/all.lua" ] || { echo "--//tests:lua_suite=$suite: there is no all.lua in it"; exit 1; }
dir=$(mktemp -d "${TEST_TMPDIR:-/tmp}/suite.XXXXXX"); trap 'rm -rf "$dir"' EXIT
cp -r "$suite" "$dir/suite" && chmod -R u+w "$dir/suite" && cd "$dir/suite" || exit 1
unset LUA_INIT LUA_INIT_5_4 LUA_PATH LUA_PATH_5_4 LUA_CPATH LUA_CPATH_5_4
export LC_ALL=C
timeout -k 5 800 "$gilua" all.lua >"$dir/out" 2>&1
status=$?
tail -25 "$dir/out"
[ $status -eq 0 ] && grep -q "^final OK" "$dir/out"
