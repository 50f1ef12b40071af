#!/usr/bin/env bash
# lua-mpack 1.0.7 and lua-MessagePack 0.5.2 (Debian 12, Lua 5.3): the float 2^63 goes out of mpack as an unsigned
# integer, since it is whole, and comes in at MessagePack as the integer -2^63. mpack itself reads it as 2^63 again.
# Guessed: 2^63, a float at both ends. mpack also reads each integer as a float: 1 becomes 1.0 there, and MessagePack
# leaves it 1.
. "$(dirname "$0")/fetch.sh"
lua=5.3
fetch lua5.3=5.3.6-2 lua-mpack=1.0.7-2 libmpack0=1.0.5-3 lua-messagepack=0.5.2-1
both() { lua5.3 -e 'local mpack, other = require "mpack", require "MessagePack"
  local bytes = mpack.pack('"$1"')
  print(other.unpack(bytes), mpack.unpack(bytes))'; }
same "2^63 from mpack, read by MessagePack and by mpack" "$(both 2.0^63)" "-9223372036854775808	9.2233720368548e+18"
same "1 from mpack, the same" "$(both 1)" "1	1.0"
same "-0.0 from mpack, the same" "$(both -0.0)" "0	0.0"
