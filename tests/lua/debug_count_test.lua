-- Count hooks: as in stock `lua5.4` while nobody else runs; beside other threads they may come early, but never late.
local t = require "testing"
local stock = require "stock"
local threading = require "gilua.threading"

stock.needs_same_release()

-- A loop of two instructions n times, and how many count events it has. Both programs run this text.
local counting = [[
local function events(mask, count, n)
  local hits = 0
  debug.sethook(function(event) if event == "count" then hits = hits + 1 end end, mask, count)
  for i = 1, n do
    local x = i
  end
  debug.sethook()
  return hits
end
]]
local events = assert(load(counting .. "return events"))()
local N = 2000

local hostile = t.hostile -- there a hook at each instruction does the counting

local intervals = { 1e-6, 2e-5, 1e-3 }

for _, mask in ipairs { "", "c", "r", "l", "crl" } do
  t.test("a count hook alone has the events of stock Lua, mask '" .. mask .. "'", function()
    local code = counting .. [[
      local said = {}
      for i, n in ipairs { 1, 2, 3, 7, 10, 100, 500, 1000 } do said[i] = events("%s", n, %d) end
      return table.concat(said, " ")]]
    local want = stock.answer(code:format(mask, N)):gmatch("%d+")
    for _, n in ipairs { 1, 2, 3, 7, 10, 100, 500, 1000 } do
      local hits, number = events(mask, n, N), tonumber(want())
      if hits ~= number and not hostile then error(("%d events at count %d, stock Lua has %d"):format(hits, n, number)) end
    end
  end)

  t.test("a count hook is never late beside other threads, mask '" .. mask .. "'", function()
    for _, interval in ipairs(intervals) do
      for _, n in ipairs { 1, 7, 100, 1000 } do
        -- with lines and calls stock Lua has an event less whenever the count ends inside the hook: half is enough
        local least = 2 * N // n // (mask == "" and 1 or 2)
        local hits = stock.beside(2, interval, events, mask, n, N)
        if hits < least then error(("%d events at count %d, interval %g, not %d"):format(hits, n, interval, least)) end
      end
    end
  end)
end

t.test("a count hook is never late, whatever its count", function()
  for _, n in ipairs { 1001, 1500, 1999, 2500, 10000, 30000 } do
    local hits = events("", n, 15000)
    if hits < 30000 // n then error(("%d events at count %d"):format(hits, n)) end
    hits = stock.beside(2, 1e-5, events, "", n, 15000)
    if hits < 30000 // n then error(("%d events at count %d beside others"):format(hits, n)) end
  end
end)

t.test("a count hook is called as often as its count says where count hooks preempt", function()
  local gil = require "gilua.gil"
  local old = gil.policy "ticks"
  local _ <close> = setmetatable({}, { __close = function() gil.policy(old) end })
  for _, n in ipairs { 99, 101, 1000, 1900, 5000 } do
    local hits, number = events("", n, 5000), 10000 // n -- the hook's own instructions are counted, or not
    if math.abs(hits - number) > number // 10 + 1 then error(("%d events at count %d, not %d"):format(hits, n, number)) end
  end
end)

t.test("a count hook that is set again counts from the beginning", function()
  local hits = 0
  local function hook() hits = hits + 1 end
  for _ = 1, 10 do
    debug.sethook(hook, "", 500)
    for _ = 1, 200 do local _ = hits end
  end
  debug.sethook()
  t.equal(hits, 0)
end)

t.test("a count hook larger than the work does not fire when nobody else runs", function()
  t.equal(events("", 1000000, N), 0)
end)

t.test("a limit of instructions ends an endless loop, alone and beside others", function()
  local function limited(count)
    local ok, err = pcall(function()
      debug.sethook(function()
        debug.sethook()
        error("limit", 0)
      end, "", count)
      while true do end
    end)
    t.equal(ok, false)
    t.equal(err, "limit")
  end
  for _, count in ipairs { 1, 100, 5000, hostile and 20000 or 3000000 } do
    limited(count)
    threading.start(limited, count):result()
    for _, interval in ipairs(intervals) do stock.beside(2, interval, limited, count) end
  end
end)

t.test("a limit of instructions holds inside a coroutine that has it", function()
  local function limited()
    local co = coroutine.create(function() while true do end end)
    debug.sethook(co, function() error("limit", 0) end, "", 20000)
    local ok, err = coroutine.resume(co)
    t.equal(ok, false)
    t.equal(err, "limit")
  end
  limited()
  for _, interval in ipairs(intervals) do stock.beside(2, interval, limited) end
end)

t.test("a count hook is told only count events, without a line", function()
  local seen
  debug.sethook(function(...) seen = seen or table.pack(...) end, "", 5)
  for _ = 1, 100 do end
  debug.sethook()
  t.equal(seen.n, 2)
  t.equal(seen[1], "count")
  t.equal(seen[2], nil)
end)

t.test("threads with count hooks of their own do not disturb each other", function()
  t.at_intervals(function()
    for i, thread in ipairs(t.start(4, function(i) return events("", i * 10, N) end)) do
      t.near(thread:result(), 2 * N // (i * 10), math.huge, "thread " .. i)
    end
  end)
end)

t.test("a thread with a line hook sees each line once while others have count hooks", function()
  local stop = false
  local others = t.start(2, function()
    debug.sethook(function() end, "", 100)
    while not stop do end
  end)
  local code = "local n = 0\nfor i = 1, 500 do\nn = n + i\nend\nreturn n"
  local lines = { 0, 0, 0, 0, 0 }
  local f = load(code, "=lines")
  debug.sethook(function(_, line)
    if debug.getinfo(2, "S").source == "=lines" then lines[line] = lines[line] + 1 end
  end, "l")
  local result = f()
  debug.sethook()
  stop = true
  t.join(others)
  t.equal(result, 125250)
  t.equal(table.concat(lines, " "), "1 501 500 0 1")
end)

t.test("a computing thread with any hook of its own is preempted", function()
  for _, mask in ipairs { "l", "c", "r", "crl", "" } do
    local flag = threading.Event()
    local thread = threading.start(function()
      debug.sethook(function() end, mask, mask == "" and 1000000 or nil)
      flag:set()
      while true do end
    end)
    flag:wait(t.limit)
    for _ = 1, 5 do require("gilua.time").sleep(0) end -- main gets the lock back each time
    thread:cancel()
    t.equal(thread:join(t.limit), true)
    t.raises_kind("cancelled", thread.result, thread)
  end
end)

t.test("a thread whose hook computes at every line is cancelled all the same", function()
  local flag, events_seen = threading.Event(), 0
  local thread = threading.start(function()
    debug.sethook(function()
      events_seen = events_seen + 1
      for _ = 1, 100 do end
    end, "l")
    flag:set()
    while true do
      local _ = 1
    end
  end)
  flag:wait(t.limit)
  thread:cancel()
  t.equal(thread:join(t.limit), true)
  t.raises_kind("cancelled", thread.result, thread)
  t.equal(events_seen > 0, true)
end)

t.finish()
