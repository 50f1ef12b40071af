local futures = require "gilua.futures"
local pool <close> = futures.ThreadPoolExecutor(2)
local function outer(n)
  return n + pool:submit(function() return 10 * n end):result()
end
print(pool:submit(outer, 4):result())
local later = pool:submit(function() return pool:submit(function() return "inner" end) end)
print(later:result():result())
