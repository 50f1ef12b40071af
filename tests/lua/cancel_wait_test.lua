-- Thread:cancel in every kind of wait, and in every kind of loop. Behaviour 24.
local t = require "testing"
local threading = require "gilua.threading"
local queue = require "gilua.queue"
local time = require "gilua.time"

-- Cancels the thread, which must end by it; returns the error.
local function cancel(thread, ...)
  thread:cancel(...)
  t.equal(thread:join(t.limit), true)
  return t.raises_kind("cancelled", thread.result, thread)
end

-- Up to 5.4.2 an error in a close handler is a warning, and the handler is called again.
local close_raises = select(2, pcall(function()
  local _ <close> = setmetatable({}, { __close = function() error("second", 0) end })
  error("first", 0)
end)) == "second"

-- A started thread that has set the flag: it is inside f.
local function running(f, ...)
  local flag = threading.Event()
  local thread = threading.start(function(...)
    flag:set()
    return f(...)
  end, ...)
  flag:wait(t.limit)
  return thread
end

-- Each of these gives what a thread waits for, the wait, and what must hold afterwards.
local waits = {
  sleep = function() return "sleep", function() time.sleep(t.limit) end end,
  ["Lock:acquire"] = function()
    local lock = threading.Lock()
    lock:acquire()
    return "lock", function() lock:acquire() end, function() t.equal(lock:locked(), true) end
  end,
  ["Lock:acquire with a timeout"] = function()
    local lock = threading.Lock()
    lock:acquire()
    return "lock", function() lock:acquire(true, t.limit) end, function() lock:release() end
  end,
  ["Lock:hold"] = function()
    local lock = threading.Lock()
    lock:acquire()
    return "lock", function() local _ <close> = lock:hold() end, function()
      t.equal(lock:locked(), true)
      lock:release()
      t.equal(lock:acquire(false), true)
    end
  end,
  ["Lock:with"] = function()
    local lock = threading.Lock()
    lock:acquire()
    return "lock", function() lock:with(print, "not reached") end, function() lock:release() end
  end,
  ["RLock:acquire"] = function()
    local lock = threading.RLock()
    lock:acquire()
    return "rlock", function() lock:acquire() end, function() t.equal(lock:held(), true) end
  end,
  ["Condition:wait"] = function()
    local lock = threading.Lock()
    local condition = threading.Condition(lock)
    local locked_after
    return "condition", function()
      condition:acquire()
      local ok, err = pcall(condition.wait, condition)
      locked_after = lock:locked()
      condition:release()
      error(err)
    end, function() t.equal(locked_after, true, "the lock was taken back") end
  end,
  ["Condition:wait_for"] = function()
    local condition = threading.Condition()
    return "condition", function()
      local _ <close> = condition:hold()
      condition:wait_for(function() return false end)
    end, function() t.equal(condition:acquire(false), true) end
  end,
  ["Event:wait"] = function()
    local event = threading.Event()
    return "event", function() event:wait() end, function() t.equal(event:is_set(), false) end
  end,
  ["Semaphore:acquire"] = function()
    local semaphore = threading.Semaphore(0)
    return "semaphore", function() semaphore:acquire() end, function()
      semaphore:release() -- for nobody
      t.equal(semaphore:acquire(false), true)
      t.equal(semaphore:acquire(false), false)
    end
  end,
  ["Barrier:wait"] = function()
    local barrier = threading.Barrier(2)
    return "barrier", function() barrier:wait() end, function() t.equal(barrier.n_waiting, 0) end
  end,
  ["Queue:get"] = function()
    local q = queue.Queue()
    return "queue", function() q:get() end, function()
      q:put("kept")
      t.equal(q:get(false), "kept")
    end
  end,
  ["Queue:put"] = function()
    local q = queue.Queue(1)
    q:put(1)
    return "queue", function() q:put(2) end, function()
      t.equal(q:get(false), 1)
      t.equal(q:get(false), nil)
    end
  end,
  ["Queue:join"] = function()
    local q = queue.Queue()
    q:put(1)
    return "queue join", function() q:join() end
  end,
  ["PriorityQueue:get"] = function()
    local q = queue.PriorityQueue()
    return "queue", function() q:get() end
  end,
}

for name, make in pairs(waits) do
  t.test("a thread is cancelled in " .. name .. " (24)", function()
    local what, wait, check = make()
    local thread = threading.start(wait)
    t.parked(thread, what)
    cancel(thread)
    if check then check() end
  end)
end

for _, method in ipairs { "join", "result" } do
  t.test("a thread is cancelled in " .. method .. " of another, which goes on (24)", function()
    local gate = threading.Event()
    local other = threading.start(function() return gate:wait(t.limit) end)
    local thread = threading.start(other[method], other)
    t.parked(thread, "join")
    cancel(thread)
    t.equal(other:is_alive(), true)
    gate:set()
    t.equal(other:result(), true)
  end)
end

-- Loops that never end by themselves.
local loops = {
  ["an empty loop"] = function() while true do end end,
  ["a numeric for"] = function() for _ = 1, math.maxinteger do end end,
  ["a repeat"] = function() repeat local x = 1 until x == 2 end,
  ["a goto"] = function()
    ::again::
    goto again
  end,
  ["a generic for"] = function() for _ in function() return 1 end do end end,
  ["a generic for over a C function"] = function() for _ in rawlen, "x", nil do end end,
  ["tail calls"] = function()
    local function again() return again() end
    again()
  end,
  ["calls of C functions"] = function() while true do math.abs(1) end end,
  ["a callback of gsub"] = function() string.gsub("x", "x", function() while true do end end) end,
  ["a comparison of sort"] = function() table.sort({ 1, 2 }, function() while true do end end) end,
  ["a metamethod"] = function() return setmetatable({}, { __add = function() while true do end end }) + 1 end,
  ["a vararg function"] = function(...) while true do select("#", ...) end end,
  ["a chunk"] = function() load("while true do end")() end,
  ["an allocation loop"] = function() while true do local _ = {} end end,
}

for name, loop in pairs(loops) do
  t.test("a thread is cancelled in " .. name .. " (24)", function()
    cancel(running(loop))
  end)
end

-- Before the handler runs, a cancel would call it and end nothing.
if close_raises then
  t.test("a thread is cancelled in a close handler (24)", function()
    local inside = threading.Event()
    local thread = threading.start(function()
      local _ <close> = setmetatable({}, { __close = function()
        inside:set()
        while true do end
      end })
    end)
    inside:wait(t.limit)
    cancel(thread)
  end)
end

t.finish()
