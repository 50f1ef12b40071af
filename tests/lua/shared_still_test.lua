-- The synchronization of multiprocessing while a process stands still, or was killed, amid a change of an object.
local t = require "testing"

local standing_still = [[
  local head, page = 288, 1 << 20
  local memory = assert(io.open("/proc/self/mem", "r+b"))
  memory:setvbuf("no")
  local function find(number)
    local base
    for line in io.lines("/proc/self/maps") do base = base or line:find("gilua.shared", 1, true) and line:match("^%x+") end
    for at = tonumber(base, 16), tonumber(base, 16) + 64 * page, page do
      memory:seek("set", at)
      local found = memory:read(page):find(string.pack("<i8", number), 1, true)
      if found then return at + found - 1 - head end
    end
    error "not found"
  end
  local function guard(object, word)
    memory:seek("set", object)
    memory:write(string.pack("<i8", word))
    memory:flush()
  end
  local other <close> = io.popen("echo $$; exec sleep 60 >/dev/null")
  local busy = other:read("n") | 1 << 32
  local threading, time = require "gilua.threading", require "gilua.time"
  local mp = require "gilua.multiprocessing"
]]

t.test("a lock is released while a process stands still amid a change of it", function()
  t.equal(t.run({ "-e", standing_still .. [[
    local lock = mp.Lock()
    lock:acquire()
    local sem = mp.Semaphore(0x12345678)
    local thread = threading.start(function() return lock:acquire() end)
    while thread.waits_for ~= "shared Lock" do time.sleep(0.001) end
    local object = find(0x12345678) - 8192 -- the extent before the semaphore's
    guard(object, busy)
    lock:release()
    print(lock:locked())
    guard(object, 0)
    print(thread:result())
    os.execute("kill " .. (busy & 0x7fffffff))
  ]] }, { before = "timeout 300 " }), "false\ntrue\n")
end)

t.test("a cancelled thread releases its semaphore, although a process stands still amid a change of it for some time", function()
  t.equal(t.run({ "-e", standing_still .. [[
    local sem = mp.Semaphore(0x12345678)
    local object = find(0x12345678)
    sem:acquire()
    guard(object, busy)
    local thread = threading.start(function() sem:release() end)
    while thread.waits_for ~= "shared memory" do time.sleep(0.001) end
    thread:cancel()
    time.sleep(0.05)
    guard(object, 0)
    thread:join()
    print(sem:get_value() == 0x12345678)
    os.execute("kill " .. (busy & 0x7fffffff))
  ]] }, { before = "timeout 300 " }), "true\n")
end)

t.test("a notification that cannot be passed on is had, although the thread is cancelled", function()
  t.equal(t.run({ "-e", standing_still .. [[
    local lock = mp.Lock()
    local cond = mp.Condition(lock)
    local sem = mp.Semaphore(0x12345678)
    local object = find(0x12345678) - 8192 -- the extent before the semaphore's
    local function wait()
      local thread = threading.start(cond.wait, cond) -- without an instruction of Lua after it, where it would be raised
      while thread.waits_for ~= "shared Condition" do time.sleep(0.001) end
      lock:acquire() -- it waits
      return thread
    end
    lock:acquire()
    local first, second = wait(), wait()
    cond:notify()
    while first.waits_for ~= "shared Lock" do time.sleep(0.001) end
    guard(object, busy)
    first:cancel()
    lock:release()
    print(first:result())
    guard(object, 0)
    lock:acquire(false)
    cond:notify()
    lock:release()
    print(second:result())
    os.execute("kill " .. (busy & 0x7fffffff))
  ]] }, { before = "timeout 300 " }), "true\ntrue\n")
end)

t.test("a barrier is broken by a late wait although a process stands still amid a change of it", function()
  t.equal(t.run({ "-e", standing_still .. [[
    local barrier = mp.Barrier(3, nil, 1000.5)
    local object = find(string.unpack("<i8", string.pack("<d", 1000.5))) - 8
    local thread = threading.start(function() return select(2, barrier:wait()) end)
    local late = threading.start(function() return select(2, barrier:wait(4)) end)
    while barrier.n_waiting < 2 do time.sleep(0.001) end
    guard(object, busy)
    print(late:result(), barrier.broken)
    guard(object, 0)
    print(thread:result())
    os.execute("kill " .. (busy & 0x7fffffff))
  ]] }, { before = "timeout 300 " }), "broken\ttrue\nbroken\n")
end)

t.test("a barrier that a killed process had half broken is broken", function()
  t.equal(t.run({ "-e", standing_still .. [[
    local barrier = mp.Barrier(2, nil, 1000.5)
    local object = find(string.unpack("<i8", string.pack("<d", 1000.5))) - 8
    local thread = threading.start(function() return select(2, barrier:wait()) end)
    while barrier.n_waiting == 0 do time.sleep(0.001) end
    guard(object + head + 16, 1) -- the first store of two: broken
    print(thread:result(), barrier.n_waiting)
    os.execute("kill " .. (busy & 0x7fffffff))
  ]] }, { before = "timeout 200 " }), "broken\t0\n")
end)

t.finish()
