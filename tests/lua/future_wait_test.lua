-- futures.wait and futures.as_completed. Behaviours 65 to 67.
local t = require "testing"
local gilua = require "gilua"
local futures = require "gilua.futures"
local threading = require "gilua.threading"

local Future = futures.Future

local function some(n)
  local list = {}
  for i = 1, n do list[i] = Future() end
  return list
end

-- Starts f and decides the future when it is parked.
local function while_parked(decide, f)
  local thread = threading.start(f)
  t.parked(thread)
  decide()
  return thread:result()
end

t.test("wait returns what is done and what is not, in the order of the list (65)", function()
  local list = some(4)
  list[3]:set_result()
  list[1]:cancel()
  local done, open = futures.wait(list, { timeout = 0 })
  t.equal(#done, 2)
  t.equal(done[1], list[1])
  t.equal(done[2], list[3])
  t.equal(#open, 2)
  t.equal(open[1], list[2])
end)

t.test("wait waits for all of them (65)", function()
  local list = some(3)
  local n, left = while_parked(function()
    for _, f in ipairs(list) do f:set_result() end
  end, function()
    local done, open = futures.wait(list)
    return #done, #open
  end)
  t.equal(n, 3)
  t.equal(left, 0)
end)

t.test("FIRST_COMPLETED returns at the first, also if it is done already (65)", function()
  local list = some(3)
  local first = while_parked(function() list[2]:set_exception("x") end, function()
    local done, open = futures.wait(list, { return_when = futures.FIRST_COMPLETED })
    t.equal(#done, 1)
    t.equal(#open, 2)
    return done[1]
  end)
  t.equal(first, list[2])
  t.equal(#futures.wait(list, { return_when = "FIRST_COMPLETED" }), 1)
end)

t.test("FIRST_EXCEPTION passes over results and cancels (65)", function()
  local list = some(5)
  local n = while_parked(function()
    list[1]:set_result()
    list[2]:cancel()
    list[3]:set_exception("x")
  end, function() return #(futures.wait(list, { return_when = "FIRST_EXCEPTION" })) end)
  t.equal(n, 3)
  t.equal(#futures.wait(list, { return_when = "FIRST_EXCEPTION" }), 3)
  local fine = some(2)
  fine[1]:set_result()
  fine[2]:set_result()
  t.equal(#futures.wait(fine, { return_when = "FIRST_EXCEPTION" }), 2)
end)

t.test("a timeout returns the partial sets (65)", function()
  local list = some(2)
  list[1]:set_result()
  local done, open = futures.wait(list, { timeout = 0.002 })
  t.equal(#done, 1)
  t.equal(#open, 1)
end)

t.test("duplicates count once, and no futures are no wait (65)", function()
  local f = Future()
  f:set_result()
  local done, open = futures.wait { f, f, f }
  t.equal(#done, 1)
  t.equal(#open, 0)
  done, open = futures.wait {}
  t.equal(#done + #open, 0)
  local n = 0
  for _ in futures.as_completed { f, f } do n = n + 1 end
  t.equal(n, 1)
end)

t.test("as_completed gives those that are done first, then as they come (66)", function()
  local list = some(4)
  list[3]:set_result()
  local next_one = futures.as_completed(list)
  t.equal(next_one(), list[3])
  t.equal(while_parked(function() list[4]:set_result() end, next_one), list[4])
  list[2]:cancel()
  list[1]:set_exception("x")
  t.equal(next_one(), list[2])
  t.equal(next_one(), list[1])
  t.equal(next_one(), nil)
  t.equal(next_one(), nil)
end)

t.test("the timeout of as_completed counts from the call and names what is unfinished (66)", function()
  local list = some(3)
  list[1]:set_result()
  local next_one = futures.as_completed(list, 0.002)
  next_one()
  local err = t.raises_kind("timeout", next_one)
  t.equal(err.message, "2 (of 3) futures unfinished")
end)

t.test("as_completed does not keep what it has given (66)", function()
  local list = some(2)
  local weak = setmetatable({ list[1] }, { __mode = "v" })
  list[1]:set_result()
  local next_one = futures.as_completed(list)
  list[1] = nil
  next_one()
  collectgarbage()
  t.equal(weak[1], nil)
end)

t.test("a group that is given up forgets its futures, and they forget it", function()
  local list = some(100)
  for _ = 1, 10 do
    futures.wait(list, { timeout = 0 })
    local _ = futures.as_completed(list)
  end
  collectgarbage()
  for _, f in ipairs(list) do f:set_result() end
  t.equal(#futures.wait(list), 100)
end)

t.test("a thread in wait can be cancelled", function()
  local list = some(2)
  local thread = threading.start(function() return select(2, pcall(futures.wait, list)) end)
  t.parked(thread, "futures")
  thread:cancel()
  t.equal(gilua.is_error(thread:result(), "cancelled"), true)
end)

t.test("100 futures are waited for at every interval, whoever decides them (67)", function()
  t.at_intervals(function()
    local list = some(t.hostile and 20 or 100)
    local seen = 0
    local waiter = threading.start(function()
      for f in futures.as_completed(list) do seen = seen + f:result() end
    end)
    local all = threading.start(function() return #(futures.wait(list)) end)
    t.join(t.start(4, function(k)
      for i = k, #list, 4 do list[i]:set_result(i) end
    end))
    waiter:result()
    t.equal(all:result(), #list)
    t.equal(seen, #list * (#list + 1) // 2)
  end)
end)

t.test("bad arguments are refused", function()
  t.raises("Future expected at 2, got number", futures.wait, { Future(), 3 })
  t.raises("table expected", futures.wait, Future())
  t.raises("bad field 'return_when' to 'wait'", futures.wait, {}, { return_when = "SOME" })
  t.raises("timeout must not be negative", futures.wait, {}, { timeout = -1 })
  t.raises("timeout must not be negative", futures.as_completed, {}, -1)
end)

t.finish()
