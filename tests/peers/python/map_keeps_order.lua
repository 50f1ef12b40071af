local futures, threading = require "gilua.futures", require "gilua.threading"
local gates = { [0] = threading.Event(), threading.Event(), threading.Event() }
local pool <close> = futures.ThreadPoolExecutor(3)
local got = {}
for i in pool:map(function(i)
  if i < 2 then gates[i + 1]:wait() end
  gates[i]:set()
  return i
end, { 0, 1, 2 }) do got[#got + 1] = i end
print("[" .. table.concat(got, ", ") .. "]")
