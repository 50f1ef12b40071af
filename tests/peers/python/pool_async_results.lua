local multiprocessing, threading, time = require "gilua.multiprocessing", require "gilua.threading", require "gilua.time"
local gilua = require "gilua"
local pool <close> = multiprocessing.Pool { processes = 2 }
local function f(x) return x + 1 end
local done = threading.Semaphore(0)
local r = pool:apply_async(f, { 1 }, function(v) print("callback", v) done:release() end)
done:acquire()
print(r:get(), r:ready(), r:successful(), nil)
r = pool:apply_async(error, { "wrong", 0 }, nil, function(e) print("error", e) done:release() end)
done:acquire()
print(select(2, pcall(r.get, r)), r:ready(), r:successful())
r = pool:apply_async(time.sleep, { 60 })
local _, e = pcall(r.get, r, 0.01)
if gilua.is_error(e, "timeout") then print("timeout", r:ready()) end
if not pcall(r.successful, r) then print "not ready" end
r = pool:map_async(f, { 1, 2, 3 })
print("[" .. table.concat(r:get(60), ", ") .. "]")
