-- Reads and writes files: CASE lines (N MiB by lines), blocks (N MiB by 64 KiB), small (N MiB by 512 bytes), print (N
-- lines to the file that is standard output).
local case, n = arg[1] or "lines", tonumber(arg[2]) or 64
local line = ("a line of a text file, as long as most are: some sixty bytes"):rep(1) .. "\n"

local function make(mib)
  local name = os.tmpname()
  local f <close> = assert(io.open(name, "w"))
  local chunk = line:rep((1 << 20) // #line)
  for _ = 1, mib do f:write(chunk) end
  return name
end

local function now() return os.clock() end

local name, count, seconds = nil, 0, 0
if case == "print" then
  local t0 = now()
  for i = 1, n do print("line", i) end
  seconds, count = now() - t0, n
else
  name = make(n)
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
io.stderr:write(string.format('{"bench":"file_io.%s","n":%d,"seconds":%.6f,"per_op_ns":%.3f}\n', case, count, seconds,
  seconds * 1e9 / count))
