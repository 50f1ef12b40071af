-- gilua bind: from annotated C prototypes to the C source of a Lua module whose calls check their arguments and leave the
-- lock. The language is described in docs/bind.md.
--
--   usage: gilua bind.lua MODULE.h [OUTPUT.c]
local read = require "bind_read"
local write = require "bind_write"

local input, output = arg[1], arg[2]
if not input then
  io.stderr:write("usage: gilua bind.lua MODULE.h [OUTPUT.c]\n")
  os.exit(2)
end

local ok, result = pcall(function()
  local file <close> = assert(io.open(input))
  return write(read(file:read("a"), input:match("[^/]+$")))
end)
if not ok then
  io.stderr:write("gilua bind: ", tostring(result), "\n")
  os.exit(1)
end
local file <close> = output and assert(io.open(output, "w")) or io.stdout
file:write(result)
