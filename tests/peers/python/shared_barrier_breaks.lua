local mp = require "gilua.multiprocessing"
local function party(barrier, out, timeout)
  out:put(barrier:wait(timeout) and "passed" or "broken")
end
local out = mp.Queue()
local barrier = mp.Barrier(3)
local ps = {}
for i = 1, 2 do ps[i] = mp.Process { target = party, args = { barrier, out } }:start() end
barrier:wait()
print(out:get(), out:get(), barrier.broken)
for _, p in ipairs(ps) do p:join() end
local p = mp.Process { target = party, args = { barrier, out, 0.05 } }:start()
print(out:get(), barrier.broken)
p:join()
if select(2, barrier:wait()) == "broken" then print "still broken" end
barrier:reset()
print(barrier.broken, barrier.n_waiting, barrier.parties)
p = mp.Process { target = party, args = { barrier, out } }:start()
while barrier.n_waiting == 0 do end
barrier:abort()
print(out:get(), barrier.broken)
p:join()
