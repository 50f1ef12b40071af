-- Memory and start time of N threads that sleep. usage: thread_memory.lua [N]
local C = require "common"
local threading = require "gilua.threading"
local n = C.args(1000)
local done = threading.Event()
local rss0, vsz0 = C.memory_kb()
local threads, t0 = {}, C.now()
for i = 1, n do threads[i] = threading.start(done.wait, done) end
local seconds = C.now() - t0
while threads[n].waits_for ~= "event" do require "gilua.time".sleep(0.01) end
local rss1, vsz1 = C.memory_kb()
local t1 = C.now()
done:set()
for _, t in ipairs(threads) do t:join() end
C.per_op("thread_memory.n" .. n, n, seconds, {
  "rss_kb_per_thread", (rss1 - rss0) / n, "virtual_kb_per_thread", (vsz1 - vsz0) / n,
  "wake_and_join_seconds", C.now() - t1 })
