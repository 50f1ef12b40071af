rockspec_format = "3.0"
package = "gilua"
version = "dev-1"
source = { url = "git+file://." } -- `luarocks make` builds the checkout that it stands in
description = {
  summary = "Real threads for Lua 5.4",
  detailed = [[
Threads of the operating system over one shared Lua state behind a global interpreter lock; locks, queues, futures, pools of
processes, native work and calls of C libraries that leave the lock.]],
  license = "MIT",
}
supported_platforms = { "linux" }
dependencies = { "lua ~> 5.4" }
-- The headers of libffi, zlib, zstd and OpenSSL are looked for where the compiler does (Debian keeps some out of LuaRocks' sight).
build = {
  type = "make",
  makefile = "tools/rock/Makefile",
  build_target = "", -- the first: gilua.so
  build_variables = { CFLAGS = "$(CFLAGS)", LUA_INCDIR = "$(LUA_INCDIR)" },
  install_variables = { LIBDIR = "$(LIBDIR)", LUA_INCDIR = "$(LUA_INCDIR)" },
}
