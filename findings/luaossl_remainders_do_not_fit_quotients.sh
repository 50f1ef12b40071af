#!/usr/bin/env bash
# luaossl 20220711 (Debian 12, Lua 5.4): the quotient of big numbers is rounded toward zero as in C, the remainder takes
# the sign of the divisor as in Lua, or none: for -7 and 2 they are -3 and 1, and -3 * 2 + 1 is -5.
# Guessed: either pair, -3 and -1 or -4 and 1; a == a // b * b + a % b holds in Lua, C and OpenSSL.
. "$(dirname "$0")/fetch.sh"
fetch lua-luaossl=20220711-1
for pair in "-7 2 -3 1 false" "7 -2 -3 -1 false" "-7 -2 3 -1 true"; do
  read -r a b quotient remainder fits <<<"$pair"
  same "$a and $b" "$(lua5.4 -e 'local new = require "openssl.bignum".new local a, b = new('"$a"'), new('"$b"')
    print(a / b, a % b, a / b * b + a % b == a)')" "$quotient	$remainder	$fits"
done
