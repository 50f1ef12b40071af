#!/usr/bin/env bash
# Builds the library of go_part.go, and runs go_test.lua with it: go_test.sh LUA_TEST PROGRAM SCRIPT SOURCE. Without the package
# golang-go (tools/setup --foreign) nothing is asked.
set -u
command -v go >/dev/null || { echo "ok - without Go nothing is asked"; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export GOCACHE=$work/cache GOPATH=$work/path
cp "$4" "$work/go_part.go"
(cd "$work" && GO111MODULE=off go build -buildmode=c-shared -o libgo_part.so go_part.go) || exit 1
"$1" "$2" "$3" "$work/libgo_part.so"
