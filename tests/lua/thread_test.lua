-- Thread: starting, joining, names, ids, listing. Behaviours 1 to 9, 11, 21 and 27. Errors in threads are in
-- thread_error_test.lua, cancelling in cancel_test.lua.
local t = require "testing"
local threading = require "gilua.threading"
local time = require "gilua.time"

-- A thread that is parked until the gate opens.
local function waiting(gate)
  local thread = threading.start(function() gate:wait(t.limit) end)
  t.parked(thread, "event")
  return thread
end

t.test("a thread calls its target with its arguments, and start returns the thread", function()
  local got
  local thread = threading.Thread { target = function(...) got = table.pack(...) end, args = { 1, "two" } }
  t.equal(thread:start(), thread)
  t.equal(thread:join(t.limit), true)
  t.equal(got.n, 2)
  t.equal(got[1], 1)
  t.equal(got[2], "two")
end)

t.test("start passes every argument on, nil too", function()
  local n, first, third = threading.start(function(...) return select("#", ...), (...), (select(3, ...)) end, 1, nil, 3, nil)
    :result()
  t.equal(n, 4)
  t.equal(first, 1)
  t.equal(third, 3)
end)

t.test("results come back exactly: none, several, nil in the middle and at the end (21)", function()
  local function results(...)
    return table.pack(threading.start(function(...) return ... end, ...):result())
  end
  t.equal(results().n, 0)
  local tab = {}
  local r = results(1, nil, tab, 2.5, false, nil)
  t.equal(r.n, 6)
  t.equal(r[1], 1)
  t.equal(r[2], nil)
  t.equal(r[3], tab)
  t.equal(math.type(r[4]), "float")
  t.equal(r[5], false)
  t.equal(r[6], nil)
  local many = table.pack(threading.start(function() return table.unpack({}, 1, 5000) end):result())
  t.equal(many.n, 5000)
end)

t.test("the result can be read again and again, by several threads", function()
  local thread = threading.start(function() return "a", "b" end)
  for _ = 1, 3 do t.equal(select(2, thread:result()), "b") end
  for _, reader in ipairs(t.start(3, function() return thread:result() end)) do t.equal(reader:result(), "a") end
end)

t.test("a second start is an error, also when the thread has ended (1)", function()
  local gate, runs = threading.Event(), 0
  local thread = threading.start(function()
    runs = runs + 1
    gate:wait(t.limit)
  end)
  t.parked(thread)
  t.raises("only once", thread.start, thread)
  t.equal(thread:is_alive(), true)
  gate:set()
  thread:join()
  t.raises("only once", thread.start, thread)
  t.equal(runs, 1)
end)

t.test("a thread that was not started cannot be joined, and none can join itself (2)", function()
  local thread = threading.Thread { target = print }
  t.raises("not started", thread.join, thread)
  t.raises("not started", thread.result, thread, 0)
  t.equal(thread:is_alive(), false)
  local function join_self(method)
    local self = threading.current_thread()
    return self[method](self)
  end
  for _, method in ipairs { "join", "result" } do
    t.raises("join itself", join_self, method)
    local ok, err = threading.start(pcall, join_self, method):result()
    t.equal(ok, false)
    t.equal(err:find("join itself") ~= nil, true, err)
  end
end)

t.test("join returns at once when the thread has ended, any number of times (3)", function()
  local thread = threading.start(function() end)
  for _ = 1, 3 do t.equal(thread:join(), true) end
  t.equal(thread:join(0), true)
  t.equal(thread:is_alive(), false)
end)

t.test("join gives up after its timeout, and the thread lives on (3)", function()
  local gate = threading.Event()
  local thread = waiting(gate)
  t.equal(thread:join(0), false)
  local t0 = time.monotonic()
  t.equal(thread:join(0.02), false)
  t.near(time.monotonic() - t0, 0.019, t.limit)
  t.equal(thread:is_alive(), true)
  local value, reason = thread:result(0.001)
  t.equal(value, nil)
  t.equal(reason, "timeout")
  t.raises("negative or NaN", thread.join, thread, -1)
  t.raises("negative or NaN", thread.result, thread, 0 / 0)
  gate:set()
  t.equal(thread:join(t.limit), true)
  t.equal(thread:is_alive(), false)
end)

t.test("several threads join one, and all go on when it ends", function()
  local gate = threading.Event()
  local thread = waiting(gate)
  local joiners = t.start(4, function() return thread:join() end)
  t.parked(joiners, "join")
  gate:set()
  for _, joiner in ipairs(joiners) do t.equal(joiner:result(), true) end
end)

t.test("daemon can be set before the start only (4)", function()
  local gate = threading.Event()
  local thread = threading.Thread { target = gate.wait, args = { gate, t.limit } }
  t.equal(thread.daemon, false)
  thread.daemon = true
  t.equal(thread.daemon, true)
  thread:start()
  t.raises("daemon", function() thread.daemon = false end)
  gate:set()
  thread:join()
  t.raises("daemon", function() thread.daemon = false end)
  t.equal(thread.daemon, true)
  t.raises("daemon", function() threading.main_thread().daemon = true end)
end)

t.test("a thread is a daemon when the one that made it is", function()
  local function child() return threading.Thread {}.daemon, threading.Thread { daemon = false }.daemon end
  local parent = threading.Thread { target = child, daemon = true }
  local inherited, own = parent:start():result()
  t.equal(inherited, true)
  t.equal(own, false)
  t.equal(threading.start(child):result(), false)
end)

t.test("a thread without a target runs and ends (5)", function()
  local thread = threading.Thread()
  thread:start()
  t.equal(thread:join(t.limit), true)
  t.equal(select("#", thread:result()), 0)
  t.equal(threading.Thread {}:start():join(t.limit), true)
end)

t.test("what can be called can be a target, and nothing else (5)", function()
  local callable = setmetatable({}, { __call = function(self, x) return self, x end, __len = function() return 0 end })
  local self, x = threading.start(callable, 7):result()
  t.equal(self, callable)
  t.equal(x, 7)
  t.equal(threading.Thread { target = math.abs, args = { -3 } }:start():result(), 3)
  t.raises("'target'", threading.Thread, { target = 5 })
  t.raises("'args'", threading.Thread, { args = 5 })
  t.raises("bad argument #1", threading.start, {})
end)

t.test("an ident is nil before the start, unique, and kept after the end (6)", function()
  local gate = threading.Event()
  local new = threading.Thread { target = threading.get_ident }
  t.equal(new.ident, nil)
  t.equal(new.native_id, nil)
  local idents, native, threads = {}, {}, t.start(5, function() gate:wait(t.limit) return threading.get_native_id() end)
  threads[6] = threading.main_thread()
  for _, thread in ipairs(threads) do
    t.equal(math.type(thread.ident), "integer")
    t.equal(idents[thread.ident], nil)
    t.equal(native[thread.native_id], nil)
    idents[thread.ident], native[thread.native_id] = true, true
  end
  t.equal(threading.get_ident(), threads[6].ident)
  t.equal(threading.get_native_id(), threads[6].native_id)
  local ident, native_id = threads[1].ident, threads[1].native_id
  gate:set()
  t.equal(threads[1]:result(), native_id)
  t.equal(threads[1].ident, ident)
  t.equal(threads[1].native_id, native_id)
  t.equal(new:start():result(), new.ident)
  for i = 2, 5 do threads[i]:join() end
end)

function Walk_the_dog() end -- a global: default names mention it

t.test("default names are unique and tell the target; explicit names win (7)", function()
  local a, b = threading.Thread { target = Walk_the_dog }, threading.Thread { target = Walk_the_dog }
  t.equal(a.name ~= b.name, true)
  t.equal(a.name:find("Walk_the_dog", 1, true) ~= nil, true, a.name)
  local here = threading.Thread { target = function() end }.name
  t.equal(here:find("thread_test.lua:%d+") ~= nil, true, here)
  t.equal(threading.Thread { target = Walk_the_dog, name = "cat" }.name, "cat")
  t.equal(threading.Thread { name = 17 }.name, "17")
  a.name = "renamed"
  t.equal(a:start().name, "renamed")
  a:join()
  a.name = "renamed again"
  t.equal(a.name, "renamed again")
  t.raises("string expected", function() a.name = {} end)
  t.equal(threading.main_thread().name, "MainThread")
end)

t.test("the system sees the name, cut to what it can take", function()
  local function comm()
    local f <close> = assert(io.open("/proc/self/task/" .. threading.get_native_id() .. "/comm"))
    return f:read("l")
  end
  t.equal(threading.Thread { target = comm, name = "short" }:start():result(), "short")
  t.equal(threading.Thread { target = comm, name = "a name that is too long" }:start():result(), "a name that is ")
  -- no half character at the end
  t.equal(threading.Thread { target = comm, name = "fourteen bytes\u{e9}" }:start():result(), "fourteen bytes")
end)

t.test("a thread is listed while it runs, and is found as the current thread", function()
  local gate = threading.Event()
  local count = threading.active_count()
  local thread = threading.start(function()
    gate:wait(t.limit)
    return threading.current_thread()
  end)
  t.equal(threading.active_count(), count + 1)
  local listed = {}
  for _, other in ipairs(threading.enumerate()) do listed[other] = true end
  t.equal(listed[thread], true)
  t.equal(listed[threading.main_thread()], true)
  t.equal(threading.current_thread(), threading.main_thread())
  gate:set()
  t.equal(thread:result(), thread)
  t.equal(threading.active_count(), count)
end)

t.test("a joined thread is never listed (9)", function()
  t.at_intervals(function()
    for _ = 1, 25 do
      local thread = threading.start(function() end)
      thread:join()
      for _, other in ipairs(threading.enumerate()) do assert(other ~= thread) end
      assert(not thread:is_alive())
    end
  end, { 2e-4, 1e-3, 5e-3, 2e-2 })
end)

t.test("of ten threads no more than three pass a bounded semaphore, whatever the stack (8)", function()
  local old = threading.stack_size()
  for _, bytes in ipairs { 0, 1 << 20, 4 << 20 } do
    threading.stack_size(bytes)
    local semaphore, lock, inside, most = threading.BoundedSemaphore(3), threading.Lock(), 0, 0
    local function count(n)
      local _ <close> = lock:hold()
      inside = inside + n
      most = math.max(most, inside)
    end
    local gate = threading.Event()
    local threads = t.start(10, function()
      local _ <close> = semaphore:hold()
      count(1)
      gate:wait(t.limit)
      time.sleep(0.002)
      count(-1)
    end)
    t.eventually(function() return most >= 3 end, "three to be inside")
    gate:set()
    t.join(threads)
    t.equal(inside, 0)
    t.equal(most, 3)
  end
  threading.stack_size(old)
end)

t.test("stack_size reads and sets the stack of new threads, and refuses what is too small", function()
  local old = threading.stack_size()
  t.raises("1 MiB", threading.stack_size, 256 * 1024)
  t.raises("1 MiB", threading.stack_size, -1)
  t.equal(threading.stack_size(1 << 20), old)
  t.equal(threading.stack_size(), 1 << 20)
  threading.stack_size(old)
end)

t.test("if the system refuses a thread, start says so and nothing remains of it (11)", function()
  local old, count = threading.stack_size(), threading.active_count()
  local thread = threading.Thread { target = function() return "ran" end }
  threading.stack_size(1 << 46) -- half of the address space
  t.raises("cannot start a thread: .", thread.start, thread)
  threading.stack_size(old)
  t.equal(thread:is_alive(), false)
  t.equal(thread.ident, nil)
  t.equal(threading.active_count(), count)
  t.raises("not started", thread.join, thread)
  t.equal(thread:start():result(), "ran")
end)

t.test("a thread object checks its fields and its methods' object", function()
  local thread = threading.Thread { name = "plain" }
  t.equal(thread.nothing, nil)
  t.raises("'nothing'", function() thread.nothing = 1 end)
  t.raises("'ident'", function() thread.ident = 1 end)
  t.raises("gilua.Thread expected", thread.join, threading.Lock())
  t.raises("gilua.Thread expected", thread.start, nil)
  t.equal(tostring(thread):find("plain", 1, true) ~= nil, true)
end)

t.test("what a constructor does not take is an error, not passed over", function()
  local queue, mp = require "gilua.queue", require "gilua.multiprocessing"
  local takes = {
    [threading] = { Lock = 0, RLock = 0, Event = 0, Condition = 1, Semaphore = 1, BoundedSemaphore = 1, Barrier = 3 },
    [queue] = { Queue = 1, LifoQueue = 1, PriorityQueue = 2 },
    [mp] = { Lock = 0, RLock = 0, Event = 0, Condition = 1, Semaphore = 1, BoundedSemaphore = 1, Barrier = 3, Queue = 1,
      JoinableQueue = 1, SimpleQueue = 0, Pipe = 1, Value = 2 },
    [require "gilua.futures"] = { Future = 0 },
  }
  local first = { Barrier = 1, Value = "i64" }
  for module, constructors in pairs(takes) do
    for name, n in pairs(constructors) do
      local values = { first[name] }
      t.equal(pcall(module[name], table.unpack(values, 1, n)), true, name)
      values[n + 1] = { timeout = 1 }
      t.raises("bad argument #" .. n + 1 .. " to", module[name], table.unpack(values, 1, n + 1))
    end
  end
end)

t.test("an empty name stands for the default one, as in Python", function()
  t.equal(threading.Thread{ target = print, name = "" }.name:match("^Thread%-%d+ %(print%)$") ~= nil, true)
  t.equal(require "gilua.multiprocessing".Process{ target = print, name = "" }.name:match("^Process%-%d+$") ~= nil, true)
end)

t.finish()
