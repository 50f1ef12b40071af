local futures = require "gilua.futures"
local pool <close> = futures.ThreadPoolExecutor(2)
local results, got = pool:map(function(x)
  if x == 2 then error("at two", 0) end
  return x
end, { 0, 1, 2, 3, 4, 5 }), {}
local _, e = pcall(function()
  for r in results do got[#got + 1] = r end
end)
print("[" .. table.concat(got, ", ") .. "]", e)
print("[" .. (results() or "") .. "]")
