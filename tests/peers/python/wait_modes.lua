local futures, threading = require "gilua.futures", require "gilua.threading"
local gate = threading.Event()
local pool <close> = futures.ThreadPoolExecutor { max_workers = 3 }
local function has(list, f)
  for _, x in ipairs(list) do if x == f then return true end end
  return false
end
local slow, fast = pool:submit(gate.wait, gate), pool:submit(function() return 0 end)
local d, n = futures.wait({ slow, fast }, { return_when = "FIRST_COMPLETED" })
print(#d, #n, has(d, fast))
local bad = pool:submit(error)
d, n = futures.wait({ slow, fast, bad }, { return_when = "FIRST_EXCEPTION" })
print(has(d, bad), has(n, slow))
d, n = futures.wait({ slow, fast }, { timeout = 0.01 })
print(#d, #n)
d, n = futures.wait({ slow }, { timeout = 0 })
print(#d, #n)
gate:set()
d, n = futures.wait({ slow, fast, bad }, { return_when = "ALL_COMPLETED" })
print(#d, #n)
d, n = futures.wait {}
print(#d, #n)
