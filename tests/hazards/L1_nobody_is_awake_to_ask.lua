-- L1: whoever was granted something runs although the granter goes on computing and nobody else is awake.
local t = require "testing"
local threading = require "gilua.threading"
local time = require "gilua.time"
local queue = require "gilua.queue"

local function spin_until(cond)
  local deadline = time.monotonic() + t.limit
  while not cond() do
    if time.monotonic() > deadline then error("nobody was asked", 2) end
  end
end

local grants = {
  event = function() local e = threading.Event() return function() e:wait() end, function() e:set() end end,
  lock = function()
    local l = threading.Lock()
    l:acquire()
    return function() l:acquire() end, function() l:release() end
  end,
  semaphore = function() local s = threading.Semaphore(0) return function() s:acquire() end, function() s:release() end end,
  queue = function() local q = queue.Queue() return function() q:get() end, function() q:put(1) end end,
  condition = function()
    local c = threading.Condition()
    return function() c:with(c.wait, c) end, function() c:with(c.notify, c) end
  end,
}

for name, make in pairs(grants) do
  t.test("a thread granted a " .. name .. " runs while the granter computes", function()
    local wait, grant = make()
    local ran = false
    local thread = threading.start(function() wait() ran = true end)
    t.parked(thread)
    time.sleep(0.1) -- the nudger is dormant by now
    grant()
    spin_until(function() return ran end)
    thread:join()
  end)
end

t.test("a thread whose sleep is over runs while another computes", function()
  local ran = false
  local thread = threading.start(function() time.sleep(0.01) ran = true end)
  t.eventually(function() return ran or thread.waits_for end, "it to sleep")
  spin_until(function() return ran end)
  thread:join()
end)

t.test("a cancel reaches a thread that computes alone", function()
  local thread = threading.start(function() while true do end end)
  thread:cancel()
  t.eventually(function() return not thread:is_alive() end)
end)

t.finish()
