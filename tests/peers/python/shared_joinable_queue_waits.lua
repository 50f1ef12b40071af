local mp = require "gilua.multiprocessing"
local function worker(jobs, done)
  while true do
    local n = jobs:get()
    done:put(n * n)
    jobs:task_done()
  end
end
local jobs, done = mp.JoinableQueue(), mp.Queue()
local ps = {}
for i = 1, 2 do ps[i] = mp.Process { target = worker, args = { jobs, done }, daemon = true }:start() end
for n = 1, 20 do jobs:put(n) end
jobs:join()
local sum = 0
for _ = 1, 20 do sum = sum + done:get() end
print(sum)
jobs:join()
print(jobs:empty())
if not pcall(jobs.task_done, jobs) then print "too often" end
for _, p in ipairs(ps) do
  p:terminate()
  p:join()
  print(p.exitcode)
end
