-- gilua bind: from annotated C prototypes to the C source of a Lua module whose calls check their arguments and leave
-- the lock. The language is described in docs/bind.md. Compiled into the program (interp/bind.c); "..." is the command
-- line.
local read = require "bind_read"
local write = require "bind_write"

local usage = [[
usage: gilua bind MODULE.h [-o OUTPUT.c]
  Writes the C source of a Lua module from annotated C prototypes; to the standard output without -o.
]]

local function quit(status, text)
  io[status == 0 and "stdout" or "stderr"]:write(text)
  os.exit(status)
end

local input, output
local function parse(first, second, ...)
  if first == nil then return end
  if first == "--help" then quit(0, usage) end
  if first == "-o" and second and not output then
    output = second
    return parse(...)
  end
  if first:match "^%-" then quit(2, usage) end
  if input then quit(2, "gilua bind: one header at a time, not '" .. first .. "' too; -o names the output\n" .. usage) end
  input = first
  return parse(second, ...)
end
parse(...)
if not input then quit(2, usage) end
if output and output:match "%.h$" then
  quit(2, "gilua bind: '" .. output .. "' is a header: it is not written over\n" .. usage)
end

local ok, result = pcall(function()
  local source <close> = assert(io.open(input))
  local header, why = source:read "a"
  if not header then error(input .. ": " .. why, 0) end
  local text = write(read(header, input:match "[^/]+$")) -- before the output is touched
  local target = output and assert(io.open(output, "w")) or io.stdout
  assert(target:write(text))
  assert(target:flush())
end)
if not ok then quit(1, "gilua bind: " .. tostring(result):gsub("^bind%.lua:%d+: ", "") .. "\n") end
