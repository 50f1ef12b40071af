local threading = require "gilua.threading"
local b = threading.Barrier(2, function() error("no", 0) end)
local lock, log, ts = threading.Lock(), {}, {}
for i = 1, 2 do
  ts[i] = threading.start(function()
    local ok, number, why = pcall(b.wait, b)
    lock:with(table.insert, log, "'" .. (ok and why or number) .. "'")
  end)
end
for i = 1, 2 do ts[i]:join() end
table.sort(log)
print("[" .. table.concat(log, ", ") .. "]", b.broken)
