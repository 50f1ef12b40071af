#!/usr/bin/env bash
# LuaSocket 3.1.0 under Lua 5.4 (Debian 12): send returns the index of the last byte as a float, so it prints as 5.0.
# Guessed: 5, an integer, as string.len or io's seek give. string.format("%d", n) takes it, tostring(n) .. " bytes" shows it.
. "$(dirname "$0")/fetch.sh"
fetch lua-socket=3.1.0-1+b1
same "send of five bytes" "$(lua5.4 -e 'local socket = require "socket"
  local server = socket.bind("127.0.0.1", 0) local _, port = server:getsockname()
  local client = socket.connect("127.0.0.1", port) server:accept() print((client:send("hello")))')" "5.0"
