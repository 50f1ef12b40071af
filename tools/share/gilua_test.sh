#!/bin/sh
# Runs the script of a gilua_test: gilua_test.sh PROGRAM SCRIPT [ARGUMENTS], in the folder of the runfiles.
program=$1 script=$2
shift 2
LUA_PATH="$PWD/$(dirname "$script")/?.lua;$PWD/?.lua;$PWD/?/init.lua;;"
export LUA_PATH
exec "$PWD/$program" "$script" "$@"
