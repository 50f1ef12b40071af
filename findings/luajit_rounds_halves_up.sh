#!/usr/bin/env bash
# LuaJIT 2.1.0-beta3 (Debian 12) writes numbers by itself: a value half way between two decimals goes up, where the C
# library, and so Lua, takes the even one. "%.0f" of 0.5 is 1, "%.1f" of 2.25 is 2.3, and print(123456789012345) gives
# 1.2345678901235e+14, not …4e+14.
# Guessed: the same digits from LuaJIT and Lua 5.1 on one machine. Files that both write differ.
. "$(dirname "$0")/fetch.sh"
fetch luajit=2.1.0~beta3+git20220320+dfsg-4.1+deb12u1 lua5.1=5.1.5-9
script='print(("%.0f %.0f %.1f"):format(0.5, 2.5, 2.25), 123456789012345)'
same "LuaJIT" "$(luajit -e "$script")" "1 3 2.3	1.2345678901235e+14"
same "Lua 5.1" "$(lua5.1 -e "$script")" "0 2 2.2	1.2345678901234e+14"
