-- Many threads, and what remains of threads that have ended. Behaviours 10 and 27.
local t = require "testing"
local threading = require "gilua.threading"

-- The process's resident memory in KiB; 0 under AddressSanitizer, which maps terabytes and keeps what is freed.
local function resident()
  local statm <close> = io.open("/proc/self/statm")
  if statm:read("n") > 1 << 28 then return 0 end
  for line in io.lines("/proc/self/status") do
    local kib = line:match("^VmRSS:%s*(%d+)")
    if kib then return tonumber(kib) end
  end
end

-- How many system threads the process has.
local function system_threads()
  for line in io.lines("/proc/self/status") do
    local n = line:match("^Threads:%s*(%d+)")
    if n then return tonumber(n) end
  end
end

t.test("10000 times start and read the result (27)", function()
  for i = 1, 10000 do
    local thread = threading.start(function(x) return x + 1 end, i)
    if thread:result() ~= i + 1 then error("wrong result") end
  end
end)

t.test("2000 threads at the same time, each with captured values (27)", function()
  local old = threading.stack_size(1 << 20)
  local gate, threads = threading.Event(), {}
  for i = 1, 2000 do
    local mine, text = { i }, ("x"):rep(i % 100)
    threads[i] = threading.start(function()
      gate:wait()
      local garbage = {}
      for k = 1, 10 do garbage[k] = text .. k end
      return #garbage[10], mine[1]
    end)
  end
  t.equal(threading.active_count() >= 2000, true)
  collectgarbage() -- marks 2000 stacks that are not its own
  gate:set()
  for i = 1, 2000 do
    local length, number = threads[i]:result()
    t.equal(length, i % 100 + 2)
    t.equal(number, i)
  end
  threading.stack_size(old)
end)

t.test("threads start threads, eight deep", function()
  local function tree(depth)
    if depth == 0 then return 1 end
    local left, right = threading.start(tree, depth - 1), threading.start(tree, depth - 1)
    return left:result() + right:result()
  end
  t.equal(tree(8), 256)
end)

t.test("threads that nobody joined leave no memory and no system thread (10)", function()
  local function burst(n)
    for _ = 1, n do threading.start(function() return ("x"):rep(1000) end) end
    t.eventually(function() return threading.active_count() == 1 end, "the threads to end")
    collectgarbage()
  end
  burst(500)
  local lua, system, tasks = collectgarbage("count"), resident(), system_threads()
  for _ = 1, 5 do burst(500) end
  t.near(collectgarbage("count") - lua, -1e9, 200, "KiB of Lua")
  t.near(resident() - system, -1e9, 20000, "KiB of the process")
  -- one may be on its way out, as before
  t.eventually(function() return system_threads() <= tasks + 1 end, "system threads to end")
end)

t.test("a thread object that is part of a cycle with its target is collected after the end (10)", function()
  local weak = setmetatable({}, { __mode = "v" })
  do
    local box = {}
    box.thread = threading.Thread { target = function(b) return b.thread, b end, args = { box } }
    weak.box, weak.thread = box, box.thread
    box.thread:start()
    box.thread:join()
  end
  collectgarbage()
  t.equal(weak.box, nil)
  t.equal(weak.thread, nil)
end)

t.test("a running thread is not collected, nor what it uses", function()
  local gate = threading.Event()
  local weak = setmetatable({}, { __mode = "v" })
  do
    local value = { "alive" }
    weak.value = value
    weak.thread = threading.start(function()
      gate:wait(t.limit)
      return value[1]
    end)
    t.parked(weak.thread)
  end
  collectgarbage()
  t.equal(weak.value[1], "alive")
  local thread = weak.thread
  gate:set()
  t.equal(thread:result(), "alive")
end)

t.test("an ended thread keeps its results, not its arguments", function()
  local weak = setmetatable({}, { __mode = "v" })
  local thread
  do
    local argument, result = {}, {}
    weak.argument, weak.result = argument, result
    thread = threading.start(function(_, r) return r end, argument, result)
    thread:join()
  end
  collectgarbage()
  t.equal(weak.argument, nil)
  t.equal(weak.result, thread:result())
end)

t.test("a thread that was never started is collected with its target", function()
  local weak = setmetatable({}, { __mode = "v" })
  do
    local box = {}
    weak.thread = threading.Thread { target = function() return box end }
    weak.box = box
  end
  collectgarbage()
  t.equal(weak.thread, nil)
  t.equal(weak.box, nil)
end)

t.test("finalizers run in whichever thread collects, and see the shared state", function()
  t.at_intervals(function()
    local made, gone = 0, 0
    t.join(t.start(4, function()
      for _ = 1, 300 do
        made = made + 1
        setmetatable({}, { __gc = function() gone = gone + 1 end })
        if made % 50 == 0 then collectgarbage("step") end
      end
    end))
    collectgarbage()
    collectgarbage()
    t.equal(gone, 1200)
  end)
end)

t.finish()
