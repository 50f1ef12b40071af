#!/usr/bin/env bash
# Penlight 1.13.1 (Debian 12), Lua 5.4: pretty.write writes the float 1.0 as 1, so what pretty.read gives back is an integer.
# Guessed: 1.0, as print and string.format("%q") write it. Data that is kept that way changes the subtype of its numbers.
. "$(dirname "$0")/fetch.sh"
fetch lua-penlight=1.13.1-3
same "pretty.write{1.0}" "$(lua5.4 -e 'print((require "pl.pretty".write({ 1.0 }, "")))')" "{1}"
same "and read again" "$(lua5.4 -e 'local p = require "pl.pretty" print(math.type(p.read(p.write({ 1.0 }))[1]))')" "integer"
