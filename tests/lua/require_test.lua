-- require: a module is loaded once, whoever asks for it at the same time.
local t = require "testing"
local gilua = require "gilua"
local threading = require "gilua.threading"

t.test("threads that require a module that is being loaded wait for it and get its value", function()
  local loads, gate = 0, threading.Event()
  function package.preload.slow()
    loads = loads + 1
    gate:wait()
    return {}
  end
  local threads = t.start(4, function() return require "slow" end)
  t.eventually(function()
    local waiting = 0
    for _, thread in ipairs(threads) do if thread.waits_for == "require" then waiting = waiting + 1 end end
    return waiting == 3
  end)
  gate:set()
  local module = threads[1]:result()
  for _, thread in ipairs(threads) do t.equal(thread:result(), module) end
  t.equal(loads, 1)
  t.equal(require "slow", module)
end)

t.test("who waits for a module whose loader fails loads it itself", function()
  local loads, gate = 0, threading.Event()
  function package.preload.failing()
    loads = loads + 1
    if loads > 1 then return "second" end
    gate:wait()
    error "first"
  end
  local first = threading.start(function() return pcall(require, "failing") end)
  t.parked(first, "event")
  local second = threading.start(require, "failing")
  t.parked(second, "require")
  gate:set()
  t.equal(first:result(), false)
  t.equal(second:result(), "second")
end)

t.test("a circle of two threads goes on as it does in one", function()
  local here, there = threading.Event(), threading.Event()
  function package.preload.one()
    package.loaded.one = package.loaded.one or false
    here:set()
    there:wait()
    return { other = require "two" }
  end
  function package.preload.two()
    there:set()
    here:wait()
    local one = package.loaded.one
    if one == false then
      package.loaded.one = "half"
      return { other = require "one" }
    end
    return { other = one }
  end
  local a = threading.start(require, "one")
  local b = threading.start(require, "two")
  t.equal(a:join(t.limit), true)
  t.equal(b:join(t.limit), true)
  t.equal(b:result().other, "half")
end)

t.test("a circle whose modules are not loaded half ends as in one thread", function()
  local here, there = threading.Event(), threading.Event()
  function package.preload.left()
    here:set()
    there:wait()
    return require "right"
  end
  function package.preload.right()
    there:set()
    here:wait()
    return require "left"
  end
  local a = threading.start(pcall, require, "left")
  local b = threading.start(pcall, require, "right")
  t.equal(a:join(t.limit), true)
  t.equal(b:join(t.limit), true)
end)

t.test("a thread that waits for a module is cancelled", function()
  local gate = threading.Event()
  function package.preload.gated() gate:wait() return "gated" end
  local loader = threading.start(require, "gated")
  t.parked(loader, "event")
  local waiter = threading.start(require, "gated")
  t.parked(waiter, "require")
  waiter:cancel()
  t.raises_kind("cancelled", waiter.result, waiter)
  gate:set()
  t.equal(loader:result(), "gated")
end)

t.test("it is the standard function otherwise", function()
  function package.preload.nothing() end
  t.equal(require "nothing", true)
  t.equal(select("#", require "nothing"), 1)
  function package.preload.given(name, where) return name .. where end
  local value, data = require "given"
  t.equal(value, "given:preload:")
  t.equal(data, ":preload:")
  local ok, err = pcall(require, "not.there")
  t.equal(ok, false)
  assert(err:find("module 'not.there' not found:\n\tno field package.preload['not.there']\n\tno file", 1, true), err)
  t.equal(gilua.is_error(err), false)
end)

t.test("what was not found is told with every reason, however long", function()
  local searchers = package.searchers
  package.searchers = { function() return ("x"):rep(5000) end, function() return ("y"):rep(5000) end, function() return 5 end }
  local _, err = pcall(require, "not.there")
  package.searchers = searchers
  t.equal(err, "module 'not.there' not found:\n\t" .. ("x"):rep(5000) .. "\n\t" .. ("y"):rep(5000) .. "\n\t5")
end)

t.finish()
