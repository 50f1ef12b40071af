-- Errors in threads: results that raise, threading.excepthook, overflow, no memory. Behaviours 13 to 15, 22 and 23.
local t = require "testing"
local gilua = require "gilua"
local threading = require "gilua.threading"

-- Address and thread sanitizers map terabytes, which cannot be limited, and their frames are larger.
local statm <close> = io.open("/proc/self/statm")
local sanitized = statm:read("n") > 1 << 28
local GENEROUS, SMALLEST = 16 << 20, 1 << 20 -- bytes of stack

-- Up to 5.4.2 an error in a close handler is a warning, and the handler is called again.
local close_raises = select(2, pcall(function()
  local _ <close> = setmetatable({}, { __close = function() error("second", 0) end })
  error("first", 0)
end)) == "second"

-- Calls f with a hook in place that collects; returns the list of {thread, err, traceback} that it got.
local function hooked(f, ...)
  local old, calls = threading.excepthook, {}
  threading.excepthook = function(...) calls[#calls + 1] = table.pack(...) end
  local ok, err = pcall(f, ...)
  threading.excepthook = old
  if not ok then error(err, 0) end
  return calls
end

-- Starts f, which fails, without a message on stderr, and waits for its end; returns the thread and the hook's call.
local function failed(f, ...)
  local thread
  local calls = hooked(function(...)
    thread = threading.start(f, ...)
    assert(thread:join(t.limit))
  end, ...)
  t.equal(#calls, 1, "calls of the hook")
  return thread, calls[1]
end

t.test("the result of a failed thread raises its error each time, and join does not (22)", function()
  local thread = failed(function() error("broken") end)
  for _ = 1, 3 do
    t.equal(thread:join(), true)
    t.raises("thread_error_test.lua:%d+: broken$", thread.result, thread)
  end
  t.equal(thread:is_alive(), false)
end)

t.test("any value can be an error, and comes back as it was (21)", function()
  local tab = setmetatable({}, { __tostring = function() return "a table of mine" end })
  for _, value in ipairs { tab, 42, 1.5, "text", true, print } do
    local thread, call = failed(error, value, 0)
    local ok, err = pcall(thread.result, thread)
    t.equal(ok, false)
    t.equal(err, value)
    t.equal(call[2], value)
  end
  local thread = failed(error, nil)
  t.equal(select("#", pcall(thread.result, thread)), 2)
  t.equal(select(2, pcall(thread.result, thread)), select(2, pcall(error, nil))) -- a text since 5.5
end)

t.test("an error that is caught in the thread reaches nobody else", function()
  t.equal(#hooked(function()
    t.equal(select(2, threading.start(pcall, error, "mine", 0):result()), "mine")
  end), 0)
end)

t.test("the hook gets the thread, the error, and a traceback with the user's functions (13, 23)", function()
  local function inner() error("deep") end
  local function outer() inner() return 1 end
  local thread, call = failed(outer)
  t.equal(call.n, 3)
  t.equal(call[1], thread)
  t.equal(call[2]:match("deep$"), "deep")
  t.equal(call[3]:match("^stack traceback:\n"), "stack traceback:\n")
  t.equal(call[3]:find("in upvalue 'inner'", 1, true) ~= nil, true, call[3])
  local line = debug.getinfo(outer, "S").linedefined
  t.equal(call[3]:find("thread_error_test.lua:" .. line, 1, true) ~= nil, true, call[3])
end)

t.test("the traceback is that of the error, not of one that was caught before it (23)", function()
  local kept = "the same value"
  local function first() error(kept, 0) end
  local function second() error(kept, 0) end
  local _, call = failed(function()
    pcall(first)
    second()
  end)
  t.equal(call[3]:find("'second'", 1, true) ~= nil, true, call[3])
  t.equal(call[3]:find("'first'", 1, true), nil)
end)

t.test("an error object gets its traceback where it is raised, and keeps it (23)", function()
  local function ask() local queue = require("gilua.queue").Queue() queue:get(true, 60) end
  local thread = threading.start(ask)
  t.parked(thread)
  thread:cancel()
  local err = t.raises_kind("cancelled", thread.result, thread)
  t.equal(err.traceback:find("in method 'get'", 1, true) ~= nil, true, err.traceback)
  t.equal(tostring(err), "cancelled: " .. err.message .. "\n" .. err.traceback)
  t.equal(gilua.traceback_of(err), err.traceback)
  t.equal(select(2, pcall(thread.result, thread)), err)
end)

t.test("the hook runs in the failed thread, which is alive meanwhile", function()
  local seen, alive
  local old = threading.excepthook
  threading.excepthook = function(thread)
    seen, alive = threading.current_thread(), thread:is_alive()
  end
  local thread = threading.start(error, "x")
  thread:join()
  threading.excepthook = old
  t.equal(seen, thread)
  t.equal(alive, true)
end)

t.test("too deep recursion is an error of that thread only (15)", function()
  local gate = require("gilua.threading").Event()
  local other = threading.start(function() return gate:wait(t.limit) end)
  local function endless(n) return 1 + endless(n + 1) end
  t.raises("stack overflow", function() error((select(2, threading.start(pcall, endless, 1):result()))) end)
  local thread, call = failed(endless, 1)
  t.raises("stack overflow", thread.result, thread)
  t.equal(call[3]:find("'endless'", 1, true) ~= nil, true, call[3])
  gate:set()
  t.equal(other:result(), true)
end)

t.test("too deep recursion through C is an error too, on the smallest stack (15)", function()
  local function by_gsub(s) return (s:gsub(".", by_gsub)) end
  local function by_pcall() return select(2, pcall(by_pcall)) end
  local function by_index()
    local proxy = setmetatable({}, { __index = function(self, k) return self[k] end })
    return proxy.x
  end
  local function by_sort() table.sort({ 1, 2, 3 }, by_sort) end
  local function by_close()
    local _ <close> = setmetatable({}, { __close = by_close })
  end
  local function by_load(n) return load("return " .. ("("):rep(n) .. "1" .. (")"):rep(n)) end
  local old = threading.stack_size(sanitized and GENEROUS or SMALLEST)
  for _, f in ipairs { by_gsub, by_index, by_sort, close_raises and by_close or nil } do
    local ok, err = threading.start(pcall, f, "x"):result()
    t.equal(ok, false)
    t.equal(tostring(err):find("overflow") ~= nil, true, tostring(err))
  end
  t.equal(tostring(threading.start(by_pcall):result()):find("overflow") ~= nil, true)
  local chunk, err = threading.start(by_load, 10000):result()
  t.equal(chunk, nil)
  t.equal(err:find("overflow") ~= nil, true, err)
  threading.stack_size(old)
end)

t.test("a thread that gets no memory fails, the others go on", function()
  if sanitized then return end
  local text = t.run({ "-e", [[
    local threading = require "gilua.threading"
    local function hoard()
      local all = {}
      for i = 1, 1e9 do all[i] = ("x"):rep(1 << 23) .. i end
    end
    print(threading.start(pcall, hoard):result())
    collectgarbage() -- a stack comes from the same memory
    local thread = threading.start(hoard)
    thread:join()
    collectgarbage()
    print(pcall(thread.result, thread))
    print(threading.start(string.upper, "fine"):result())
  ]] }, { before = "ulimit -v 200000; ", stderr = "2>/dev/null" })
  t.equal(text, "false\tnot enough memory\nfalse\tnot enough memory\nFINE\n")
end)

-- The program's output and errors; t.run without its status.
local function output(code) return (t.run { "-e", "threading = require 'gilua.threading' " .. code }) end

t.test("an uncaught error prints one message with the thread's name and a traceback (13)", function()
  local text = output [[
    local function work() error("it broke") end
    threading.Thread{ target = work, name = "worker 7" }:start():join()
  ]]
  local _, messages = text:gsub("worker 7", "")
  t.equal(messages, 1, text)
  t.equal(select(2, text:gsub("it broke", "")), 1, text)
  t.equal(text:match("^error in thread 'worker 7': %(command line%):1: it broke\nstack traceback:\n") ~= nil, true, text)
  t.equal(text:find("(command line):1: in function", 1, true) ~= nil, true, text)
end)

t.test("an uncaught error object prints its traceback once", function()
  local text = output [[
    threading.start(function()
      local ok, err = pcall(function() threading.current_thread():cancel() while true do end end)
      err.kind = "mine"
      error(err)
    end):join()
  ]]
  t.equal(text:match("^error in thread '.-': mine: ") ~= nil, true, text)
  t.equal(select(2, text:gsub("stack traceback", "")), 1, text)
end)

t.test("an error value of any type is printed", function()
  local text = output [[
    threading.start(error, setmetatable({}, { __tostring = function() return "as text" end })):join()
    threading.start(error, nil):join()
    threading.start(error, 12):join()
    threading.start(error, {}):join()
    threading.start(error, setmetatable({}, { __tostring = function() error("no text") end })):join()
    print "end"
  ]]
  t.equal(text:find("': as text\n", 1, true) ~= nil, true, text)
  t.equal(text:find("': " .. tostring(select(2, pcall(error, nil))) .. "\n", 1, true) ~= nil, true, text)
  t.equal(text:find("': 12\n", 1, true) ~= nil, true, text)
  t.equal(text:find("': table: ", 1, true) ~= nil, true, text)
  t.equal(select(2, text:gsub("error in thread", "")) >= 4, true, text)
  t.equal(text:find("no text", 1, true) ~= nil, true, text)
  t.equal(text:match("end\n") ~= nil, true, text)
end)

t.test("the hook can be replaced, and called by its replacement (13)", function()
  local text = output [[
    local default = threading.excepthook
    threading.excepthook = function(thread, err, traceback)
      io.stderr:write("mine: ", thread.name, " ", err, "\n")
      default(thread, err, traceback)
    end
    threading.Thread{ target = error, args = { "broken", 0 }, name = "w" }:start():join()
  ]]
  t.equal(text:match("^mine: w broken\nerror in thread 'w': broken\nstack traceback:\n") ~= nil, true, text)
end)

t.test("an error in the hook is reported, and so is the first one (13)", function()
  local text = output [[
    threading.excepthook = function() error("bad hook") end
    threading.start(error, "first error"):join()
    threading.excepthook = nil
    threading.start(error, "second error"):join()
    threading.excepthook = 5
    threading.start(error, "third error"):join()
    print "end"
  ]]
  for _, part in ipairs { "bad hook", "first error", "second error", "third error", "nil value", "number value", "end\n" } do
    t.equal(text:find(part, 1, true) ~= nil, true, part .. " in " .. text)
  end
end)

t.test("a cancelled thread is no news: the hook is not called, nothing is printed (13)", function()
  t.equal(#hooked(function()
    local thread = threading.start(function() while true do end end)
    thread:cancel()
    t.raises_kind("cancelled", thread.result, thread)
  end), 0)
  t.equal(output [[
    local thread = threading.start(function() while true do end end)
    thread:cancel()
    thread:join()
    print(thread:is_alive())
  ]], "false\n")
end)

t.test("messages of threads that fail together do not mix", function()
  local text = output [[
    local gate, threads = threading.Event(), {}
    for i = 1, 20 do
      threads[i] = threading.Thread{ name = "n" .. i, target = function() gate:wait() error("e" .. i, 0) end }:start()
    end
    gate:set()
    for i = 1, 20 do threads[i]:join() end
  ]]
  for i = 1, 20 do
    local message = ("error in thread 'n%d': e%d\nstack traceback:\n"):format(i, i)
    t.equal(text:find(message, 1, true) ~= nil, true, text)
  end
end)

t.test("errors are no trouble when stderr is gone (14)", function()
  local text = t.run({ "-e", [[
    local threading = require "gilua.threading"
    local thread = threading.start(error, "lost")
    thread:join()
    threading.excepthook = function() error("lost, too") end
    threading.start(error, "lost"):join()
    print(pcall(thread.result, thread))
  ]] }, { stderr = "2>&-" })
  t.equal(text, "false\tlost\n")
end)

-- There the C library's allocator keeps, in pieces, what the deep stacks took: as much as is allowed elsewhere.
if t.hostile then t.may_keep.resident = 2 * t.may_keep.resident end
t.finish()
