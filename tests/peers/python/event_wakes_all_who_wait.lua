local threading = require "gilua.threading"
local e = threading.Event()
local ready, lock, log = threading.Semaphore(0), threading.Lock(), {}
local ts = {}
for i = 1, 3 do
  ts[i] = threading.start(function()
    ready:release()
    local set = e:wait()
    lock:with(table.insert, log, tostring(set)) -- an append is not atomic in Lua
  end)
end
for _ = 1, 3 do ready:acquire() end
e:set()
for i = 1, 3 do ts[i]:join() end
print("[" .. table.concat(log, ", ") .. "]", e:wait(), e:wait(0), e:is_set())
e:clear()
print(e:wait(0), e:wait(0.01), e:is_set())
e:set()
e:set()
print(e:wait(60))
