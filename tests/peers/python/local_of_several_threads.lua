local threading = require "gilua.threading"
local data, other = threading.Local(), threading.Local()
data.x = "main"
local lock, had, log = threading.Lock(), {}, {}
local b = threading.Barrier(3)
local ts = {}
for n = 1, 3 do
  ts[n] = threading.start(function()
    lock:with(table.insert, had, tostring(data.x ~= nil))
    data.x = n
    other.x = -n
    b:wait()
    lock:with(table.insert, log, ("(%d, %d)"):format(data.x, other.x))
  end)
end
for n = 1, 3 do ts[n]:join() end
table.sort(log)
print("[" .. table.concat(had, ", ") .. "]", "[" .. table.concat(log, ", ") .. "]")
local keys = {}
for k in pairs(data) do keys[#keys + 1] = "'" .. k .. "'" end
print(data.x, other.x ~= nil, "[" .. table.concat(keys, ", ") .. "]")
data.x = nil
print(data.x ~= nil)
