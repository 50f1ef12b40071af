-- Two threads take turns N times through two semaphores or locks (one turn is one switch).
-- usage: handoff.lua [N] [semaphore|lock]
local C = require "common"
local threading = require "gilua.threading"
local n, kind = C.args(100000, "semaphore")

local function new()
  if kind == "semaphore" then return threading.Semaphore(0) end
  local lock = threading.Lock()
  lock:acquire()
  return lock
end

local ping, pong = new(), new()
local partner = threading.start(function()
  for _ = 1, n // 2 do
    ping:acquire()
    pong:release()
  end
end)
local t0 = C.now()
for _ = 1, n // 2 do
  ping:release()
  pong:acquire()
end
local seconds = C.now() - t0
partner:join()
C.per_op("handoff." .. kind, n, seconds)
