-- A waiter between processes that is cancelled has got nothing: what it was given at the same time is for the next one.
local t = require "testing"
local mp = require "gilua.multiprocessing"
local threading = require "gilua.threading"
local time = require "gilua.time"

t.may_keep["shared mappings"] = 2 -- the memory that processes share is kept
t.may_keep.descriptors = 4

local rounds = t.hostile and 3 or 20

local function waiter(wait, got, place)
  return threading.Thread{ target = function() got[place] = wait() end }:start()
end

local function await_waiting(...)
  for _, thread in ipairs { ... } do
    while not thread.waits_for do time.sleep(0.001) end
  end
end

-- Two wait; one is given, and the first cancelled before it can run, unless the lock is left between: then it has got it, and
-- one more is given. Returns what the second got.
local function given_and_cancelled(wait, give)
  local got = {}
  local first, second = waiter(wait, got, 1), waiter(wait, got, 2)
  await_waiting(first, second)
  give()
  first:cancel()
  first:join()
  if got[1] ~= nil then give() end
  second:join()
  return got[2]
end

t.test("a permit is the next one's", function()
  for _ = 1, rounds do
    local s = mp.Semaphore(0)
    t.equal(given_and_cancelled(function() return s:acquire() end, function() s:release() end), true)
    t.equal(s:get_value(), 0)
  end
end)

t.test("a lock is the next one's", function()
  for _, kind in ipairs { "Lock", "RLock" } do
    for _ = 1, rounds do
      local lock, held = mp[kind](), true
      lock:acquire()
      local function give()
        if held then lock:release() end
        held = false
      end
      t.equal(given_and_cancelled(function() return lock:with(function() return true end) end, give), true)
      t.equal(lock:locked(), false)
    end
  end
end)

t.test("an item is the next one's, small or large", function()
  for _, item in ipairs { "x", ("y"):rep(50000) } do
    for _ = 1, rounds do
      local q = mp.Queue()
      t.equal(given_and_cancelled(function() return q:get() end, function() q:put(item) end), item)
      t.equal(q:qsize(), 0)
    end
  end
end)

t.test("an item that comes back is before those behind it", function()
  for _ = 1, rounds do
    local q, got = mp.JoinableQueue(), {}
    local first = waiter(function() return q:get() end, got, 1)
    await_waiting(first)
    for i = 1, 3 do q:put(i) end
    first:cancel()
    first:join()
    while q:qsize() > 0 do got[#got + 1] = q:get() end
    t.equal(table.concat(got, " "), "1 2 3")
    for _ = 1, 3 do q:task_done() end
    t.equal(q:join(), true)
  end
end)

t.test("a message of a Pipe is the next one's", function()
  for _ = 1, rounds do
    local here, there = mp.Pipe()
    t.equal(given_and_cancelled(function() return here:recv() end, function() there:send("m") end), "m")
    here:close()
    there:close()
  end
end)

-- An object whose constructor gives its reader, who is cancelled amid it, away: once.
Slow = {}
Slow.__index = Slow
function make_slow(value)
  local reader = amid
  amid = nil
  if reader then
    reader:cancel()
    time.sleep(60)
  end
  return setmetatable({ value = value }, Slow)
end
function Slow:__reduce() return make_slow, self.value end

-- Who takes an item is cancelled amid its reading: what others get then.
local function got_after_a_cancel(take, ...)
  local reader = threading.Thread{ target = take, args = { ... } }
  amid = reader
  t.raises_kind("cancelled", function() return reader:start():result() end)
  t.equal(amid, nil)
  return take(...)
end

t.test("an item is the next one's if who took it is cancelled amid a constructor, small or large", function()
  for _, text in ipairs { "x", ("y"):rep(50000) } do
    for behind = 0, 2 do
      local q = mp.JoinableQueue()
      for i = 0, behind do q:put { i, setmetatable({ value = text }, Slow) } end
      for i = 0, behind do
        local item = got_after_a_cancel(q.get, q)
        t.equal(item[1], i)
        t.equal(item[2].value, text)
        q:task_done()
      end
      t.equal(q:qsize(), 0)
      t.equal(q:join(), true)
    end
  end
end)

t.test("a message of a Pipe is the next one's if who took it is cancelled amid a constructor", function()
  local here, there = mp.Pipe()
  there:send(setmetatable({ value = "m" }, Slow))
  there:send "n"
  t.equal(got_after_a_cancel(here.recv, here).value, "m")
  t.equal(here:recv(), "n")
  here:close()
  there:close()
end)

t.test("an item that cannot be made is gone, and its error is raised", function()
  local q = mp.Queue()
  function make_none() error("cannot be made", 0) end
  q:put(setmetatable({}, { __reduce = function() return make_none end }))
  q:put "next"
  t.raises("cannot be made", q.get, q)
  t.equal(q:get(), "next")
end)

t.test("a notification is the next one's", function()
  for _ = 1, rounds do
    local cond, ready = mp.Condition(), 0
    local function wait()
      local _ <close> = cond:hold()
      ready = ready + 1
      return cond:wait()
    end
    local function give()
      while true do
        local _ <close> = cond:hold()
        if ready == 2 then return cond:notify() end
      end
    end
    t.equal(given_and_cancelled(wait, give), true)
  end
end)

t.finish()
