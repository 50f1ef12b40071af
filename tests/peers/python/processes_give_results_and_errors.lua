local futures = require "gilua.futures"
local function square(x) return x * x end
local pool <close> = futures.ProcessPoolExecutor { max_workers = 2 }
local got = {}
local first = pool:submit(square, 7):result()
for x in pool:map(square, { 0, 1, 2, 3 }) do got[#got + 1] = x end
print(first, "[" .. table.concat(got, ", ") .. "]")
local function pid()
  local f <close> = io.open "/proc/self/stat"
  return f:read "n"
end
print(pool:submit(pid):result() ~= pid())
print(select(2, pcall(function() pool:submit(function(x) error("no " .. x, 0) end, "luck"):result() end)))
print(pool:submit(square, 3):exception())
