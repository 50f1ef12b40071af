local multiprocessing = require "gilua.multiprocessing"
local function say(lock, total, i)
  lock:with(function()
    total.value = total.value + i
    io.stdout:write(("process %s says %d\n"):format("n", 7))
    io.stdout:flush()
  end)
end
local lock, total, ps = multiprocessing.Lock(), multiprocessing.Value("i64", 0), {}
for i = 1, 10 do ps[i] = multiprocessing.Process { target = say, args = { lock, total, i } } end
for _, p in ipairs(ps) do p:start() end
for _, p in ipairs(ps) do p:join() end
local all = true
for _, p in ipairs(ps) do all = all and p.exitcode == 0 end
print(total.value, all)
