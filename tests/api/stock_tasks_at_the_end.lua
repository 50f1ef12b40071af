-- Run by the stock interpreter: what was submitted is done while lua_close waits, also with what was made for it after the pools.
local multiprocessing = require "gilua.multiprocessing"
local futures = require "gilua.futures"

gate = multiprocessing.Event()
local function wait(event) event:wait() end
local function say(...) print(...) end

threads = futures.ThreadPoolExecutor(1)
processes = futures.ProcessPoolExecutor(1)
pool = multiprocessing.Pool(1)
for _, executor in ipairs { threads, processes } do executor:submit(wait, gate) end
pool:apply_async(wait, { gate })

array = multiprocessing.shared_array("i64", 1)
array[1] = 1
processes:submit(function(a) say("array", a[1]) end, array)
queue = multiprocessing.Queue()
queue:put(2)
processes:submit(function(q) say("queue", q:get()) end, queue)
mapped = processes:map(function(x) say("mapped by a process", x) return x end, { 3, 4 }, { chunksize = 1 })
by_threads = threads:map(function(x) say("mapped by a thread", x) return x end, { 5, 6 })
unordered = pool:imap_unordered(function(x) say("unordered", x) return x end, { 7, 8 })

-- finalizers run in the order against their making: this one in lua_close, before the one that waits for the tasks
at_end = setmetatable({}, { __gc = function() gate:set() end })
