#!/usr/bin/env bash
# lua-cjson 2.1.0 (Debian 12, Lua 5.4): knows floats only. Integers leave it with 14 digits, 1234567890123456 as
# 1.2345678901235e+15, and come in as floats; dkjson writes and reads them whole.
# Guessed: as the package is built for Lua 5.4, an integer is written with all its digits and read as one. Microseconds
# and numbers of rows lose their last digits without a word; cjson.encode_number_precision(16) helps below 2^53.
. "$(dirname "$0")/fetch.sh"
fetch lua-cjson=2.1.0+dfsg-2.2 lua-dkjson=2.6-2
ask() { lua5.4 -e 'local json = require "'"$1"'" print(json.encode(1234567890123456), json.decode "7")'; }
same "cjson" "$(ask cjson)" "1.2345678901235e+15	7.0"
same "dkjson" "$(ask dkjson)" "1234567890123456	7	2"
