-- What the program prints of an error that nobody catches shows where it was raised, also when gilua's functions had to undo
-- something on its way.
local t = require "testing"

local PRELUDE = [[
local gilua = require "gilua"
local futures, mp, ctypes = gilua.futures, gilua.multiprocessing, gilua.ctypes
local function id(x) return x end
function far_away() error("short", 0) end
]]

local function report(code)
  local text, status = t.run { "-e", PRELUDE .. code }
  t.equal(status, 1, text)
  return text
end

local function count(text, part) return select(2, text:gsub(part, "")) end

for name, code in pairs {
  ["the action of a Barrier"] = "gilua.threading.Barrier(1, function() far_away() end):wait()",
  ["the action of a Barrier of processes"] = "mp.Barrier(1, function() far_away() end):wait()",
  ["the comparison of a PriorityQueue"] = [[
    local q = gilua.queue.PriorityQueue(0, function() far_away() end)
    q:put(1)
    q:put(2)]],
  ["a callback of a C function"] = [[
    local qsort = ctypes.load("c"):func("qsort", "void", { "void *", "size_t", "size_t", "void *" })
    local compare = ctypes.callback(function() far_away() return 0 end, "int", { "int *", "int *" })
    qsort(ctypes.new("int", { 2, 1 }), 2, ctypes.sizeof("int"), compare)]],
  ["the function of with"] = "gilua.threading.Lock():with(function() far_away() end)",
  ["the predicate of wait_for"] = [[
    local c = gilua.threading.Condition()
    c:acquire()
    c:wait_for(function() far_away() end)]],
} do
  t.test("an error in " .. name .. " is printed with the stack that it was raised on, once", function()
    local text = report(code)
    t.equal(count(text, "in %a+ 'far_away'"), 1, text)
    t.equal(count(text, "stack traceback"), 1, text)
    t.equal(count(text, "in main chunk"), 1, text)
  end)
end

for name, code in pairs {
  ["of a call of map"] = "for _ in futures.ThreadPoolExecutor(1):map(far_away, { 1, 2 }) do end",
  ["of a call of map, called by hand"] = "futures.ThreadPoolExecutor(1):map(far_away, { 1 })()",
  ["of a call of a map in processes"] = "for _ in futures.ProcessPoolExecutor(1):map(far_away, { 1, 2 }) do end",
  ["of a call of imap"] = "for _ in mp.Pool(1):imap(far_away, { 1, 2 }) do end",
  ["in the source of map"] = "for _ in futures.ThreadPoolExecutor(1):map(id, function() far_away() end) do end",
  ["of a map that another one reads"] = [[
    local pool = futures.ThreadPoolExecutor(1)
    for _ in pool:map(id, pool:map(far_away, { 1 })) do end]],
} do
  t.test("an error " .. name .. " is printed with the stack that it was raised on, and where its result was asked for", function()
    local text = report(code)
    t.equal(count(text, "in %a+ 'far_away'") + count(text, "in function <%(command line%):4>"), 1, text)
    t.equal(count(text, "raised again by who asked for the result:") > 0, true, text)
    t.equal(text:find "for iterator" ~= nil or text:find "in main chunk" ~= nil, true, text)
  end)
end

for name, code in pairs {
  ["in the main thread's code"] = [[gilua.signal.raise_signal "SIGUSR1"]],
  ["amid a wait"] = [[gilua.signal.alarm(0.01) gilua.time.sleep(30)]],
  ["amid a coroutine"] = [[coroutine.wrap(function() pcall(gilua.signal.raise_signal, "SIGUSR1") end)()
    gilua.signal.raise_signal "SIGUSR1"]],
} do
  for what, raise in pairs { text = "far_away()", object = "gilua.futures.Future():result(0)" } do
    t.test("an error, " .. what .. ", of a signal's handler " .. name .. " is printed with its own stack and the one it came amid", function()
      local before = ("local function handle() %s end gilua.signal.signal('SIGUSR1', handle) gilua.signal.signal('SIGALRM', handle)\n"):format(raise)
      local text = report(before .. "do " .. code .. " end")
      t.equal(count(text, what == "text" and "in %a+ 'far_away'" or "in method 'result'"), 1, text)
      t.equal(count(text, "raised by the handler of a signal that came amid this:"), 1, text)
      t.equal(count(text, "stack traceback"), 2, text)
      t.equal(count(text, "in main chunk"), 1, text)
    end)
  end
end

-- Programs that end well, which print the error of somebody's function.
for name, code in pairs {
  ["threading.excepthook"] = [[
    gilua.threading.excepthook = function() far_away() end
    gilua.threading.Thread():start():join()
    gilua.threading.start(error, "another"):join()]],
  ["a callback on a thread of C"] = [[
    local c, id = ctypes.load(), ctypes.new "unsigned long"
    local callback = ctypes.callback(function() far_away() end, "void*", { "void*" })
    assert(c:func("pthread_create", "int", { "void*", "void*", "void*", "void*" })(id, nil, callback, nil) == 0)
    c:func("pthread_join", "int", { "unsigned long", "void*" })(id[1], nil)]],
  ["the comparison of an item that a finalizer put"] = [[
    local q, armed
    q = gilua.queue.PriorityQueue(0, function(a, b)
      if armed then
        armed = false
        setmetatable({}, { __gc = function() q:put(-1) end })
        collectgarbage()
      end
      if a == -1 or b == -1 then far_away() end
      return a < b
    end)
    q:put(2)
    armed = true
    q:put(3)]],
  ["a Process"] = [[mp.Process { target = function() far_away() end }:start():join()]],
  ["the constructor of an argument of a Process"] = [[
    Class = { make = function() far_away() end }
    local p = mp.Process { target = id, args = { setmetatable({}, { __reduce = function() return Class.make end }) } }:start()
    p:join()
    assert(p.exitcode == 1)]],
  ["a done-callback"] = [[futures.ThreadPoolExecutor(1):submit(id):add_done_callback(function() far_away() end)]],
} do
  t.test("an error in " .. name .. ", which is nobody's, is printed with the stack that it was raised on", function()
    local text, status = t.run { "-W", "-e", PRELUDE .. code }
    t.equal(status, 0, text)
    t.equal(count(text, "in %a+ 'far_away'"), 1, text)
  end)
end

if not t.polls then -- there a loop of a few instructions is not asked for long
  t.test("an error in gil.on_long_hold is a warning with the stack that it was raised on", function()
    local text, status = t.run { "-W", "-e", PRELUDE .. [[
      local told = false
      gilua.gil.on_long_hold(0.02, function() told = true far_away() end)
      local other = gilua.threading.start(function() while not told do gilua.time.sleep(0.001) end end)
      while not told do string.rep("x", 100000000) end
      other:join()]] }
    t.equal(status, 0, text)
    t.equal(count(text, "in %a+ 'far_away'") > 0, true, text)
  end)
end

for name, code in pairs {
  ["of a result"] = "futures.ProcessPoolExecutor(1):submit(setmetatable, {}, { __reduce = function() far_away() end }):result()",
  ["of a part of results"] = [[
    local pool = futures.ProcessPoolExecutor(1)
    for _ in pool:map(setmetatable, { {} }, { { __reduce = function() far_away() end } }) do end]],
  ["of an argument, where it is read"] = [[
    Class = { make = function() far_away() end }
    local object = setmetatable({}, { __reduce = function() return Class.make end })
    futures.ProcessPoolExecutor(1):submit(id, object):result()]],
  ["of an item of a shared queue, where it is read"] = [[
    Class = { make = function() far_away() end }
    local q = mp.Queue()
    q:put(setmetatable({}, { __reduce = function() return Class.make end }))
    q:get()]],
  ["of an argument of a Process"] = [[
    mp.Process { target = id, args = { setmetatable({}, { __reduce = function() far_away() end }) } }:start()]],
} do
  t.test("an error in the __reduce or constructor " .. name .. " is printed with the stack that it was raised on", function()
    local text = report(code)
    t.equal(count(text, "in %a+ 'far_away'"), 1, text)
  end)
end

t.test("an error of the same text that comes later is printed with its own stack", function()
  local text = report [[
    local barrier = gilua.threading.Barrier(1, function() far_away() end)
    pcall(barrier.wait, barrier)
    pcall(futures.ThreadPoolExecutor(1):map(far_away, { 1 }))
    error("short", 0)]]
  t.equal(text:find "far_away", nil, text)
  t.equal(count(text, "stack traceback"), 1, text)
end)

t.test("an error of the same text as one of a signal's handler that was caught is printed with its own stack", function()
  local text = report [[
    gilua.signal.signal("SIGUSR1", function() far_away() end)
    pcall(gilua.signal.raise_signal, "SIGUSR1")
    error("short", 0)]]
  t.equal(text:find "far_away", nil, text)
  t.equal(count(text, "stack traceback"), 1, text)
end)

t.finish()
