#!/usr/bin/env bash
# run_and_compare.sh PROGRAM SCRIPT EXPECTED MODULE.so: runs the script with the module's folder in package.cpath.
set -u
program=$1 script=$2 expected=$3 module=$4
if diff <(LUA_CPATH="$(dirname "$module")/?.so" "$program" "$script" 2>&1) "$expected"; then
  echo "ok - $script prints what it should"
else
  echo "not ok - $script prints what it should"
  exit 1
fi
