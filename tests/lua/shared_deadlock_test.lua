-- Waits between processes that nobody is left to end: they raise `deadlock`, and others do not.
local t = require "testing"
local mp = require "gilua.multiprocessing"

t.may_keep["shared mappings"] = 2 -- the memory that processes share is kept
t.may_keep.descriptors = 4

local function run(script)
  return (t.run({ "-e", [[
    local mp, threading, gilua = require "gilua.multiprocessing", require "gilua.threading", require "gilua"
    local function stuck(f, ...)
      local ok, e = pcall(f, ...)
      print(not ok and gilua.is_error(e, "deadlock"))
    end
  ]] .. script }, { before = "timeout 120 " }))
end

t.test("what nobody else has: a queue, a lock that is held, a semaphore, an event, a condition, a barrier, a Pipe", function()
  t.equal(run [[
    local q, lock, sem, event = mp.Queue(), mp.Lock(), mp.Semaphore(0), mp.Event()
    lock:acquire()
    stuck(q.get, q)
    stuck(lock.acquire, lock)
    stuck(sem.acquire, sem)
    stuck(event.wait, event)
    local cond = mp.Condition()
    cond:acquire()
    stuck(cond.wait, cond)
    cond:release()
    local barrier = mp.Barrier(2)
    stuck(barrier.wait, barrier)
    print(barrier.n_waiting)
    local a, b = mp.Pipe()
    stuck(a.recv, a)
    q:put(1)
    print(q:get())
  ]], ("true\n"):rep(6) .. "0\ntrue\n1\n")
end)

t.test("the error says what every thread waits for", function()
  local text = run [[
    local q, gate = mp.Queue(), threading.Event()
    local thread = threading.start(function() gate:wait() end)
    print(select(2, pcall(q.get, q)))
    gate:set()
  ]]
  t.equal(text:match "every thread waits, and nobody is left to wake one: MainThread waits for shared Queue get" ~= nil, true, text)
  t.equal(text:match "waits for an Event" ~= nil, true, text)
end)

t.test("a process that has ended without an answer leaves nobody", function()
  t.equal(run [[
    local q = mp.Queue()
    mp.Process { target = function(to) os.exit(3) to:put(1) end, args = { q } }:start():join()
    stuck(q.get, q)
  ]], "true\n")
end)

t.test("a thread that sleeps, another process, and a message on its way could end it", function()
  t.equal(run [[
    local time = require "gilua.time"
    local q = mp.Queue()
    local thread = threading.start(function() time.sleep(3) q:put "slept" end)
    print(q:get())
    thread:join()
    local p = mp.Process { target = function(to) require "gilua.time".sleep(3) to:put "from another" end, args = { q } }:start()
    print(q:get())
    p:join()
  ]], "slept\nfrom another\n")
end)

t.test("os.exit with close ends though main waits for what nobody else has", function()
  for _, exit in ipairs { "os.exit(7, true)", "threading.start(os.exit, 7, true) threading.Event():wait()" } do
    for _, wait in ipairs { "q.get, q", "lock.acquire, lock" } do
      local text, status = t.run({ "-e", [[
        local mp, threading, gilua = require "gilua.multiprocessing", require "gilua.threading", require "gilua"
        local q, lock = mp.Queue(), mp.Lock()
        lock:acquire()
        local last <close> = setmetatable({}, { __close = function()
          local ok, e = pcall(]] .. wait .. [[)
          print(not ok and gilua.is_error(e, "deadlock"))
        end })
      ]] .. exit }, { before = "timeout 120 " })
      t.equal(text, "true\n", wait)
      t.equal(status, 7)
    end
  end
end)

t.finish()
