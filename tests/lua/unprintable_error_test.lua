-- An error whose __tostring fails is reported as any other, and holds nothing up.
local t = require "testing"

local PRELUDE = [[
local gilua = require "gilua"
local threading, futures, mp = gilua.threading, gilua.futures, gilua.multiprocessing
local bad = setmetatable({}, { __tostring = function() error("no text", 0) end })
local function fail() error(bad) end
]]

local function output(code) return (t.run { "-W", "-e", PRELUDE .. code }) end

local function has(text, part) t.equal(text:find(part, 1, true) ~= nil, true, part .. " in " .. text) end

t.test("of a thread", function()
  local text = output "threading.Thread { target = fail, name = 'failing' }:start():join()"
  has(text, "error in thread 'failing': (error object is a table value; its __tostring: no text)\nstack traceback:")
end)

t.test("of an excepthook, behind which comes what it was called for", function()
  local text = output [[
    threading.excepthook = fail
    threading.Thread { target = error, args = { "first" }, name = "failing" }:start():join()]]
  has(text, "error in threading.excepthook: (error object is a table value; its __tostring: no text)\n")
  has(text, "error in thread 'failing': first\n")
end)

t.test("of a Process", function()
  has(output "mp.Process { target = function() fail() end }:start():join()", ": (error object is a table value; its __tostring: no text)\nstack traceback:")
end)

for _, executor in ipairs { "ThreadPoolExecutor", "ProcessPoolExecutor" } do
  t.test("of the initializer of a " .. executor .. ", which breaks the pool", function()
    local text = output(("local pool = futures.%s { max_workers = 1, initializer = function() fail() end }\n"):format(executor) .. [[
      local f = pool:submit(print)
      for _ = 1, 2 do print(gilua.is_error(select(2, pcall(f.result, f)), "broken_pool")) end]])
    t.equal(text, "true\ntrue\n")
  end)
end

t.test("of the comparison of an item that a finalizer put amid a comparison: the queue goes on", function()
  local text = output [[
    local q, armed
    q = gilua.queue.PriorityQueue(0, function(a, b)
      if armed then
        armed = false
        setmetatable({}, { __gc = function() q:put(-1) end })
        collectgarbage()
      end
      if a == -1 or b == -1 then fail() end
      return a < b
    end)
    q:put(2)
    armed = true
    print(pcall(q.put, q, 3))
    print(q:get(), q:qsize())]]
  has(text, "a PriorityQueue has lost an item that a finalizer put: (error object is a table value; its __tostring: no text)\nstack traceback:")
  has(text, "\ntrue\ttrue\n2\t1\n")
end)

t.finish()
