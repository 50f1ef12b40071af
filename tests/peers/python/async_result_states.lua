local multiprocessing, gilua, time = require "gilua.multiprocessing", require "gilua", require "gilua.time"
do
  local pool <close> = multiprocessing.Pool(1)
  local r = pool:apply_async(time.sleep, { 1000 })
  print(r:ready(), r:wait(0.01) or nil) -- says here whether it is ready
  local _, e = pcall(r.get, r, 0.01)
  if gilua.is_error(e, "timeout") then print "timeout" end
  if not pcall(r.successful, r) then print "not ready" end
end
local pool <close> = multiprocessing.Pool(1)
local function f(x) return x end
local r = pool:apply_async(f, { "value" })
r:wait()
print(r:ready(), r:successful(), r:get(), r:get(0))
r = pool:map_async(f, { 1, 2 })
print("[" .. table.concat(r:get(), ", ") .. "]", r:ready(), r:successful())
r = pool:apply_async(error, { "no number" })
r:wait()
print(r:ready(), r:successful())
