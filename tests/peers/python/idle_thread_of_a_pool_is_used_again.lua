local futures, threading = require "gilua.futures", require "gilua.threading"
local pool <close> = futures.ThreadPoolExecutor(1)
local names, n = {}, 0
for _ = 1, 5 do
  local name = pool:submit(function() return threading.current_thread().name end):result()
  n = n + (names[name] and 0 or 1)
  names[name] = true
end
print(n, pool:submit(function() return threading.current_thread().daemon end):result())
local data, counts = threading.Local(), {}
local function count()
  data.n = (data.n or 0) + 1
  return data.n
end
for i = 1, 3 do counts[i] = pool:submit(count):result() end
print("[" .. table.concat(counts, ", ") .. "]")
