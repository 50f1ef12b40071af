local multiprocessing = require "gilua.multiprocessing"
local function runner(go, done, q, n)
  go:wait()
  q:put(n)
  done:with(function() end)
end
local go, done, q, ps = multiprocessing.Event(), multiprocessing.Semaphore(1), multiprocessing.Queue(), {}
for n = 0, 3 do ps[n + 1] = multiprocessing.Process { target = runner, args = { go, done, q, n } } end
print(go:is_set())
ps[1]:start()
ps[1]:join(0.01)
print(ps[1]:is_alive(), q:empty())
for i = 2, 4 do ps[i]:start() end
go:set()
local got = {}
for i = 1, 4 do got[i] = q:get() end
table.sort(got)
print("[" .. table.concat(got, ", ") .. "]", go:wait(0), go:is_set())
for _, p in ipairs(ps) do p:join() end
go:clear()
print(go:wait(0.01), go:is_set())
