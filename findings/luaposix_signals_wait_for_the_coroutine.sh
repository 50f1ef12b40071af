#!/usr/bin/env bash
# luaposix 33.4.0 (Debian 12, Lua 5.3): a Lua handler of posix.signal runs in the main coroutine only. A signal that
# comes while another coroutine runs is handled once that one has yielded or ended, however long it computes.
# Guessed: at the next instruction of whatever Lua code runs. A loop in a coroutine that waits for the handler's flag
# never sees it.
. "$(dirname "$0")/fetch.sh"
lua=5.3
fetch lua5.3=5.3.6-2 lua-posix=33.4.0-3+b1
same "handled amid a coroutine, then outside of it" "$(lua5.3 -e 'local signal = require "posix.signal"
  local handled, inside, behind = 0
  signal.signal(signal.SIGUSR1, function() handled = handled + 1 end)
  coroutine.wrap(function()
    signal.raise(signal.SIGUSR1)
    for _ = 1, 1000000 do end
    inside = handled
  end)()
  for _ = 1, 10 do behind = handled end
  print(inside, behind)')" "0	1"
same "the same in the main coroutine" "$(lua5.3 -e 'local signal = require "posix.signal"
  local handled = 0
  signal.signal(signal.SIGUSR1, function() handled = handled + 1 end)
  signal.raise(signal.SIGUSR1)
  print(handled)')" "1"
