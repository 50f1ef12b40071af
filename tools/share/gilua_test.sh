#!/bin/sh
# Runs the script of a gilua_test or gilua_explore_test, in the folder of the runfiles:
# gilua_test.sh PROGRAM [--with 'COMMAND AND OPTIONS'] SCRIPT [ARGUMENTS]
program=$1 command=
shift
[ "$1" = --with ] && { command=$2; shift 2; }
script=$1
shift
LUA_PATH="$PWD/$(dirname "$script")/?.lua;$PWD/?.lua;$PWD/?/init.lua;;"
export LUA_PATH
# shellcheck disable=SC2086
exec "$PWD/$program" $command "$script" "$@"
