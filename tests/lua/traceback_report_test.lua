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
    t.equal(count(text, "in function 'far_away'"), 1, text)
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
    t.equal(count(text, "in function 'far_away'") + count(text, "in function <%(command line%):4>"), 1, text)
    t.equal(count(text, "raised again by who asked for the result:") > 0, true, text)
    t.equal(text:find "for iterator" ~= nil or text:find "in main chunk" ~= nil, true, text)
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

t.finish()
