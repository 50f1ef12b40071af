#!/usr/bin/env bash
# Runs a Lua test: lua_test.sh PROGRAM SCRIPT [ARGUMENTS]. Modules are found in tests/lua and beside the script. It fails when
# the program does, and when it writes to stderr.
set -u
program=$1 script=$2
shift 2
err=$(mktemp)
trap 'rm -f "$err"' EXIT
export GILUA=$PWD/$program LUA_PATH="$PWD/tests/lua/?.lua;$(dirname "$PWD/$script")/?.lua;;" TEST_ROOT=$PWD
"$program" "$script" "$@" 2>"$err"
status=$?
if [ -s "$err" ]; then
  echo "not ok - $script leaves stderr empty"
  cat "$err"
  [ $status -eq 0 ] && status=1
fi
exit $status
