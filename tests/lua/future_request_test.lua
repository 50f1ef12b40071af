-- A cancel of a thread is nobody's result: it passes through whatever the thread was doing for a future.
local t = require "testing"
local futures, gilua, threading, time = require "gilua.futures", require "gilua", require "gilua.threading", require "gilua.time"

-- Starts f(at) in a thread, and cancels it when it has called at().
local function cancel_in(f)
  local there = threading.Event()
  local thread = threading.start(f, function()
    there:set()
    time.sleep(t.limit)
  end)
  t.equal(there:wait(t.limit), true)
  thread:cancel()
  thread:join()
  return thread
end

t.test("map: a cancel in a source is raised at once, and who goes on loses nothing", function()
  for _, chunksize in ipairs { 1, 3 } do
    local pool <close> = futures.ThreadPoolExecutor(1)
    local n, got, kinds, sleep = 0, {}, {}, true
    cancel_in(function(at)
      local it = pool:map(function(a, b) return a + b end, function()
        n = n + 1
        if n < 20 then return n end
      end, function()
        if n == 5 and sleep then
          sleep = false
          at()
        end
        return 100
      end, { chunksize = chunksize, buffersize = 3 })
      repeat
        local ok, value = pcall(it)
        if ok then got[#got + 1] = value else kinds[#kinds + 1] = value.kind end
      until ok and value == nil
    end)
    t.equal(table.concat(kinds, " "), "cancelled")
    t.equal(#got, 19)
    for i, value in ipairs(got) do t.equal(value, 100 + i) end
  end
end)

t.test("a callback that is called at once passes a cancel on", function()
  local f, went_on = futures.Future(), false
  f:set_result(1)
  local thread = cancel_in(function(at)
    f:add_done_callback(at)
    went_on = true
  end)
  t.raises_kind("cancelled", thread.result, thread)
  t.equal(went_on, false)
end)

t.test("a task in which its worker is cancelled fails, and the worker's place is taken", function()
  local pool <close> = futures.ThreadPoolExecutor(1)
  local there, worker = threading.Event(), nil
  local f = pool:submit(function()
    worker = threading.current_thread()
    there:set()
    time.sleep(t.limit)
  end)
  there:wait(t.limit)
  worker:cancel()
  t.raises_kind("cancelled", f.result, f)
  t.equal(pool:submit(math.abs, -2):result(), 2)
end)

t.test("an initializer in which its worker is cancelled does not break the pool", function()
  local there, worker, calls = threading.Event(), nil, 0
  local pool <close> = futures.ThreadPoolExecutor { max_workers = 1, initializer = function()
    calls = calls + 1
    if calls > 1 then return end
    worker = threading.current_thread()
    there:set()
    time.sleep(t.limit)
  end }
  local f = pool:submit(math.abs, -3)
  there:wait(t.limit)
  worker:cancel()
  t.equal(f:result(), 3)
  t.equal(calls, 2)
end)

t.test("an error of a call in a chunk does not end imap, and stands in its place", function()
  local mp = require "gilua.multiprocessing"
  for _, chunksize in ipairs { 1, 2, 3, 6 } do
    local pool <close> = mp._pool_over(futures.ThreadPoolExecutor, { processes = 2 })
    local got = {}
    local it = pool:imap(function(x) if x % 2 == 0 then error("even " .. x, 0) end return x end, { 1, 2, 3, 4, 5, 6 }, chunksize)
    for i = 1, 6 do got[i] = tostring(select(2, pcall(it))) end
    t.equal(table.concat(got, ", "), "1, even 2, 3, even 4, 5, even 6")
    t.equal(it(), nil)
  end
end)

t.test("the traceback of a thread's or a task's error is told with it, and not with another of the same text", function()
  local pool <close> = futures.ThreadPoolExecutor(1)
  local function of_the_task() error("closed", 0) end
  local f = pool:submit(function() of_the_task() return 1 end)
  local _, e = pcall(f.result, f)
  t.equal(gilua.traceback_of(e):find("of_the_task") ~= nil, true)
  local function of_the_other() error("closed", 0) end
  local g = pool:submit(function() of_the_other() return 1 end)
  _, e = pcall(g.result, g)
  t.equal(gilua.traceback_of(e):find("of_the_task"), nil)
  t.equal(gilua.traceback_of(e):find("of_the_other") ~= nil, true)
end)

t.test("tostring tells the state of a future", function()
  local f = futures.Future()
  t.equal(tostring(f):find("^Future%(pending%)") ~= nil, true)
  f:set_running()
  t.equal(tostring(f):find("^Future%(running%)") ~= nil, true)
  f:set_result(1)
  t.equal(tostring(f):find("^Future%(done%)") ~= nil, true)
end)

t.test("a finalizer that uses a pool, amid its own allocations, disturbs nothing", function()
  local pool <close> = futures.ThreadPoolExecutor(2)
  local of_finalizers, n = {}, 0
  local function garbage()
    setmetatable({}, { __gc = function()
      n = n + 1
      if n < 200 then
        of_finalizers[n] = pool:submit(math.abs, -n)
        garbage()
      end
    end })
  end
  garbage()
  local list = {}
  for i = 1, 2000 do list[i] = pool:submit(function(x) return { x } end, i) end
  for i, f in ipairs(list) do t.equal(f:result()[1], i) end
  collectgarbage()
  for i, f in pairs(of_finalizers) do t.equal(f:result(), i) end
end)

t.finish()
