#!/usr/bin/env bash
# LuaSocket of Debian's lua-socket 3.1.0 says that it is 3.0.0: its _VERSION was not raised with the release.
# Guessed: "LuaSocket 3.1.0". A program that asks for the version to use what 3.1 brought never does.
. "$(dirname "$0")/fetch.sh"
fetch lua-socket=3.1.0-1+b1
same "socket._VERSION" "$(lua5.4 -e 'print(require "socket"._VERSION)')" "LuaSocket 3.0.0"
