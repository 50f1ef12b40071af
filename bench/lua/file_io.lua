-- Reads and writes files; CPU seconds, so that the disk does not count.
-- usage: file_io.lua lines|blocks|small MIB     reads a file by lines, by 64 KiB, by 512 bytes
--        file_io.lua print LINES                prints to the file "OUT" of a temporary name, by way of a shell's redirect
local case, n = arg[1] or "lines", tonumber(arg[2]) or 64
local line = "a line of a text file, as long as most are: some sixty bytes\n"

local function make(mib)
  local name = os.tmpname()
  local f <close> = assert(io.open(name, "w"))
  local chunk = line:rep((1 << 20) // #line)
  for _ = 1, mib do f:write(chunk) end
  return name
end

local now = os.clock

local count, seconds = 0, 0
if case == "print" then
  local name, interpreter = os.tmpname(), 0
  while arg[interpreter - 1] do interpreter = interpreter - 1 end
  assert(os.execute(string.format("%s %s print_here %d >%s 2>%s.json", arg[interpreter], arg[0], n, name, name)))
  local f <close> = assert(io.open(name .. ".json"))
  io.write(f:read("a"))
  os.remove(name)
  os.remove(name .. ".json")
  return
elseif case == "print_here" then
  local t0 = now()
  for i = 1, n do print("line", i) end
  seconds, count = now() - t0, n
else
  local name = make(n)
  local f <close> = assert(io.open(name))
  local t0 = now()
  if case == "lines" then
    for _ in f:lines() do count = count + 1 end
  else
    local size = case == "blocks" and 65536 or 512
    while f:read(size) do count = count + 1 end
  end
  seconds = now() - t0
  os.remove(name)
end
local out = case == "print_here" and io.stderr or io.stdout
out:write(string.format('{"bench":"file_io.%s","n":%d,"seconds":%.6f,"per_op_ns":%.3f}\n', case, count, seconds,
  seconds * 1e9 / count))
