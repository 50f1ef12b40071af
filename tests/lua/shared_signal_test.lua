-- Handlers of signals amid waits between processes: the wait goes on where it stood, and what it was told meanwhile is not lost.
local t = require "testing"

-- ThreadSanitizer holds a signal back until the next call that it knows, which a thread that waits does not make.
if t.tsan then
  print "ok - nothing is asked of programs under ThreadSanitizer"
  os.exit(true)
end

local mp = require "gilua.multiprocessing"
local signal = require "gilua.signal"
local threading = require "gilua.threading"
local time = require "gilua.time"
local main = threading.main_thread()

t.may_keep["shared mappings"] = 2 -- the memory that processes share is kept
t.may_keep.descriptors = 4

-- Sends USR1 when main waits for what; its handler is f. A thread is shown as waiting before it has its place: lock, which the
-- wait gives up after that, tells, or else (again) the signal is sent until the wait has ended.
local function amid(what, f, wait, lock, again)
  local before = signal.signal("USR1", f)
  local ended = false
  local thread = threading.start(function()
    t.parked(main, what)
    if lock then lock:with(type, nil) end
    repeat
      signal.raise_signal "USR1"
      if again then time.sleep(0.01) end
    until not again or ended
  end)
  local result = wait()
  ended = true
  thread:join()
  signal.signal("USR1", before)
  return result
end

t.test("a notification while a handler runs amid the wait is had", function()
  local cond = mp.Condition()
  local function notify()
    local _ <close> = cond:hold() -- it is free: the wait has released it
    cond:notify()
  end
  local _ <close> = cond:hold()
  t.equal(amid("shared Condition", notify, function() return cond:wait() end, cond), true)
end)

t.test("a handler runs while a wait that was notified waits for its lock again", function()
  local cond, go = mp.Condition(mp.Lock()), threading.Event()
  local other = threading.start(function()
    t.parked(main, "shared Condition")
    cond:acquire()
    cond:notify()
    go:wait() -- the handler sets it
    cond:release()
  end)
  cond:acquire()
  t.equal(amid("shared Lock", function() go:set() end, function() return cond:wait() end), true)
  cond:release()
  other:join()
end)

t.test("an event that was set and cleared while a handler ran has ended the wait", function()
  local event = mp.Event()
  local function set_and_clear()
    event:set()
    event:clear()
  end
  t.equal(amid("shared Event", set_and_clear, function() return event:wait() end, nil, true), true)
end)

t.test("all items were done while a handler ran: the join has ended, though there are more", function()
  local q = mp.JoinableQueue()
  q:put(1)
  local function finish_and_put()
    q:task_done()
    q:put(2)
  end
  t.equal(amid("shared Queue join", finish_and_put, function() return q:join() end, nil, true), true)
end)

t.test("a handler may have what the wait is for, and the wait gets the next one", function()
  local q, sem, lock = mp.Queue(), mp.Semaphore(0), mp.Lock()
  local took
  local function serve()
    q:put "for the handler"
    took = q:get()
    q:put "for the wait"
  end
  t.equal(amid("shared Queue get", serve, function() return q:get() end), "for the wait")
  t.equal(took, "for the handler")
  local function acquire()
    sem:release()
    took = sem:acquire()
    sem:release()
  end
  t.equal(amid("shared Semaphore", acquire, function() return sem:acquire() end), true)
  t.equal(sem:get_value(), 0)
  lock:acquire()
  local function hand_over()
    lock:release()
    lock:with(function() took = "locked" end)
  end
  t.equal(amid("shared Lock", hand_over, function() return lock:acquire() end), true)
  t.equal(took, "locked")
end)

-- The second waiter may be told while the first one is still on its way back to its place: then another round is made.
t.test("a wait that a handler interrupted is before those that came after it", function()
  local first
  for _ = 1, 1000 do
    local q, got = mp.Queue(), mp.Queue()
    local thread
    local function second_waits()
      thread = threading.start(function() got:put { "second", q:get() } end)
      t.parked(thread, "shared Queue get")
    end
    local feeder = threading.start(function()
      t.eventually(function() return thread and main.waits_for == "shared Queue get" end)
      q:put(1)
      q:put(2)
    end)
    first = amid("shared Queue get", second_waits, function() return q:get() end)
    feeder:join()
    thread:join()
    if first == 1 then break end
  end
  t.equal(first, 1)
end)

t.test("what a handler raises ends the wait, and what it was told is the next one's", function()
  local cond, got = mp.Condition(mp.Lock()), nil
  local second = threading.Thread { target = function()
    local _ <close> = cond:hold()
    got = cond:wait()
  end }
  local function notify_and_raise()
    second:start()
    t.parked(second, "shared Condition")
    cond:with(function() cond:notify() end) -- main's wait, which was there first
    error "out"
  end
  cond:acquire()
  t.equal(pcall(amid, "shared Condition", notify_and_raise, function() return cond:wait() end, cond), false)
  signal.signal("USR1", "default")
  cond:release()
  second:join()
  t.equal(got, true)
end)

t.finish()
