local threading = require "gilua.threading"
local log, count = {}, { action = 0, passed = 0 }
local lock = threading.Lock()
local function note(what)
  local _ <close> = lock:hold()
  log[#log + 1] = what
  count[what] = count[what] + 1
end
local b = threading.Barrier(3, function() note "action" end)
local ts = {}
for i = 1, 3 do
  ts[i] = threading.start(function()
    for _ = 1, 2 do
      b:wait()
      note "passed"
    end
  end)
end
for i = 1, 3 do ts[i]:join() end
print(count.action, count.passed, log[1])
print(b.parties, b.n_waiting, b.broken)
