-- Shared by the benches: arguments, one line of JSON, memory.
local time = require "gilua.time"

local C = { now = time.perf_counter }

-- the arguments filled up from defaults, each converted to its default's type
function C.args(...)
  local out = {}
  for i, default in ipairs { ... } do
    local given = arg[i]
    if given == nil then out[i] = default
    elseif type(default) == "number" then out[i] = math.tointeger(tonumber(given)) or tonumber(given)
    else out[i] = given end
  end
  return table.unpack(out)
end

-- fields: names and values by turns
function C.emit(name, fields)
  local line = { string.format('"bench":"%s"', name) }
  for i = 1, #fields, 2 do line[#line + 1] = string.format('"%s":%.6g', fields[i], fields[i + 1]) end
  print("{" .. table.concat(line, ",") .. "}")
end

function C.per_op(name, n, seconds, more)
  local fields = { "n", n, "seconds", seconds, "per_op_ns", seconds * 1e9 / n }
  for i = 1, #(more or {}) do fields[#fields + 1] = more[i] end
  C.emit(name, fields)
end

-- resident and virtual size of this process in KiB
function C.memory_kb()
  local f <close> = io.open("/proc/self/status")
  local text = f:read("a")
  return tonumber(text:match("VmRSS:%s+(%d+)")), tonumber(text:match("VmSize:%s+(%d+)"))
end

-- n records of an integer, a float and a string, the same in every peer
function C.records(n, kind)
  local out = {}
  for i = 1, n do
    local name = string.format("name%012d", i)
    out[i] = kind == "ints" and i or kind == "records_keyed" and { id = i, x = i * 0.5, name = name } or { i, i * 0.5, name }
  end
  return out
end

-- KiB that process `pid` ("self" too) shares with no other one
function C.private_kb(pid)
  local f <close> = io.open("/proc/" .. pid .. "/smaps_rollup")
  local text, sum = f:read("a"), 0
  for kb in text:gmatch("Private_%a+:%s+(%d+)") do sum = sum + tonumber(kb) end
  return sum
end

function C.percentile(sorted, p) return sorted[math.max(1, math.ceil(#sorted * p))] end

return C
