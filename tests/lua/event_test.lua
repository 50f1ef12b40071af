-- Event: behaviour 40.
local t = require "testing"
local threading = require "gilua.threading"
local time = require "gilua.time"

t.test("an Event is clear until it is set", function()
  local event = threading.Event()
  t.equal(event:is_set(), false)
  event:set()
  t.equal(event:is_set(), true)
  event:set()
  t.equal(event:is_set(), true)
  event:clear()
  t.equal(event:is_set(), false)
  event:clear()
  t.equal(event:is_set(), false)
end)

t.test("set, clear and is_set return what the contract says and nothing else", function()
  local event = threading.Event()
  t.equal(select("#", event:set()), 0)
  t.equal(select("#", event:is_set()), 1)
  t.equal(select("#", event:wait()), 1)
  t.equal(select("#", event:clear()), 0)
end)

t.test("wait(0) only looks (40)", function()
  local event = threading.Event()
  t.equal(event:wait(0), false)
  event:set()
  t.equal(event:wait(0), true)
  t.equal(event:wait(), true)
  t.equal(event:wait(1e-9), true)
  event:clear()
  t.equal(event:wait(0), false)
end)

t.test("wait for an Event that stays clear takes about its timeout", function()
  local event = threading.Event()
  local t0 = time.monotonic()
  t.equal(event:wait(0.05), false)
  t.near(time.monotonic() - t0, 0.049, t.limit)
end)

t.test("all waiters return true even if the Event is cleared right after set (40)", function()
  local event = threading.Event()
  local threads = t.start(5, function(i) return event:wait(i % 2 == 0 and t.limit or nil) end)
  t.parked(threads, "event")
  event:set()
  event:clear()
  for _, thread in ipairs(threads) do t.equal(thread:result(), true) end
  t.equal(event:is_set(), false)
end)

t.test("an Event that is set keeps nobody, and holds up again once it is clear", function()
  local event = threading.Event()
  for _ = 1, 10 do
    local threads = t.start(3, function() return event:wait() end)
    t.parked(threads, "event")
    event:set()
    t.join(threads)
    t.equal(threading.start(event.wait, event, 0):result(), true)
    event:clear()
    local late = threading.start(event.wait, event)
    t.parked(late, "event")
    event:set()
    t.equal(late:result(), true)
    event:clear()
  end
end)

t.test("a wait whose time ran out is forgotten by the Event", function()
  local event = threading.Event()
  local early, late = threading.start(event.wait, event, 0.001), threading.start(event.wait, event)
  t.equal(early:result(), false)
  t.parked(late, "event")
  event:set()
  t.equal(late:result(), true)
  t.equal(early:result(), false)
end)

t.test("a cancelled wait raises and leaves the Event and the other waiters alone", function()
  local event = threading.Event()
  local threads = t.start(3, function() return event:wait() end)
  t.parked(threads, "event")
  threads[2]:cancel()
  t.raises_kind("cancelled", threads[2].result, threads[2])
  t.parked({ threads[1], threads[3] }, "event")
  t.equal(event:is_set(), false)
  event:set()
  t.equal(threads[1]:result(), true)
  t.equal(threads[3]:result(), true)
end)

t.test("an Event lives as long as somebody waits for it", function()
  local weak = setmetatable({ threading.Event() }, { __mode = "v" })
  local thread = threading.start(weak[1].wait, weak[1])
  t.parked(thread, "event")
  collectgarbage()
  weak[1]:set()
  t.equal(thread:result(), true)
  thread = nil
  t.eventually(function() return collectgarbage() and weak[1] == nil end, "the Event to be collected")
end)

t.test("two threads answer each other through Events, whatever the switch interval", function()
  t.at_intervals(function()
    local ping, pong, n = threading.Event(), threading.Event(), 0
    local thread = threading.start(function()
      for _ = 1, 200 do
        ping:wait()
        ping:clear()
        n = n + 1
        pong:set()
      end
    end)
    for i = 1, 200 do
      ping:set()
      pong:wait()
      pong:clear()
      t.equal(n, i)
    end
    t.join { thread }
  end)
end)

t.finish()
