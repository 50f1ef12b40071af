local futures = require "gilua.futures"
local log, fs = {}, {}
do
  local pool <close> = futures.ThreadPoolExecutor(2)
  for i = 0, 9 do fs[i] = pool:submit(function() log[i] = i end) end
end
local all = true
for i = 0, 9 do all = all and fs[i]:done() end
print("[" .. table.concat(log, ", ", 0, 9) .. "]", all)
local f
local _, e = pcall(function()
  local pool <close> = futures.ThreadPoolExecutor(1)
  f = pool:submit(tonumber, "5")
  error("left", 0)
end)
print(e, f:result())
