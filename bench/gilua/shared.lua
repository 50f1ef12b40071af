-- What processes share: queues, Pipes and locks of gilua.multiprocessing.
-- usage: shared.lua MODE [N]; modes: queue simple queue4x4 roundtrip pipe large lock lock4
local C = require "common"
local mp = require "gilua.multiprocessing"
local mode, n = arg[1], tonumber(arg[2])

local function start(f, ...) return mp.Process { target = f, args = { ... } }:start() end

local function join(list)
  for _, p in ipairs(list) do p:join() end
end

local function produce(q, k) for i = 1, k do q:put(i) end end
local function consume(q, k) for _ = 1, k do q:get() end end

local function through(q, sides)
  local list, ready, go = {}, mp.Semaphore(0), mp.Event()
  local function begin(r, g, f, queue, k)
    r:release()
    g:wait()
    f(queue, k)
  end
  for _ = 1, sides do list[#list + 1] = start(begin, ready, go, produce, q, n // sides) end
  for _ = 1, sides - 1 do list[#list + 1] = start(begin, ready, go, consume, q, n // sides) end
  for _ = 1, #list do ready:acquire() end
  local t0 = C.now()
  go:set()
  consume(q, n // sides)
  join(list)
  return n, C.now() - t0
end

local modes = {}
function modes.queue() return through(mp.Queue(), 1) end
function modes.simple() return through(mp.SimpleQueue(), 1) end
function modes.queue4x4() return through(mp.Queue(), 4) end

function modes.roundtrip()
  local a, b = mp.SimpleQueue(), mp.SimpleQueue()
  local p = start(function(from, to, k) for _ = 0, k do to:put(from:get()) end end, a, b, n)
  a:put(0)
  b:get()
  local t0 = C.now()
  for i = 1, n do
    a:put(i)
    b:get()
  end
  local s = C.now() - t0
  p:join()
  return n, s
end

function modes.pipe()
  local a, b = mp.Pipe()
  local p = start(function(c, k) for _ = 0, k do c:send(c:recv()) end end, b, n)
  a:send(0)
  a:recv()
  local t0 = C.now()
  for i = 1, n do
    a:send(i)
    a:recv()
  end
  local s = C.now() - t0
  p:join()
  return n, s
end

function modes.large()
  local q, go = mp.Queue(2), mp.Event()
  local p = start(function(to, g, k)
    local item = ("x"):rep(16 << 20)
    g:set()
    for _ = 1, k do to:put(item) end
  end, q, go, n)
  go:wait()
  local t0 = C.now()
  for _ = 1, n do q:get() end
  local s = C.now() - t0
  p:join()
  return n, s
end

local function turns(l, k)
  for _ = 1, k do
    l:acquire()
    l:release()
  end
end

function modes.lock()
  local lock = mp.Lock()
  local t0 = C.now()
  turns(lock, n)
  return n, C.now() - t0
end

function modes.lock4()
  local lock, list, ready, go = mp.Lock(), {}, mp.Semaphore(0), mp.Event()
  for i = 1, 4 do
    list[i] = start(function(r, g, l, k, f)
      r:release()
      g:wait()
      f(l, k)
    end, ready, go, lock, n // 4, turns)
  end
  for _ = 1, 4 do ready:acquire() end
  local t0 = C.now()
  go:set()
  join(list)
  return n, C.now() - t0
end

local count, seconds = modes[mode]()
C.per_op("shared." .. mode, count, seconds)
