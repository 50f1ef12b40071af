local futures, threading, gilua = require "gilua.futures", require "gilua.threading", require "gilua"
local gate = threading.Event()
local pool <close> = futures.ThreadPoolExecutor(1)
local results = pool:map(function() return gate:wait() end, { 0, 1 }, { timeout = 0.05 })
local _, e = pcall(results)
if gilua.is_error(e, "timeout") then print "timeout" end
if not pcall(pool.map, pool, function(x) return x end, { 1 }, { timeout = "soon" }) then print "no number" end
gate:set()
