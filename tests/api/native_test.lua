-- A native module under the gilua program: LUA_CPATH leads to it.
local t = require "testing"
local m = require "native_module"
local threading = require "gilua.threading"
local time = require "gilua.time"
local gilua = require "gilua"

t.test("a region lets other threads run, and keeps errno", function()
  local n, stop = 0, false
  local other = threading.start(function() while not stop do n = n + 1 end end)
  local before
  repeat
    before = n
    t.equal(m.region(20), 77)
  until n - before > 1000
  stop = true
  other:join()
end)

t.test("regions nest", function() t.equal(m.nested(), true) end)

t.test("a region inside a finalizer keeps the lock", function()
  local got
  setmetatable({}, { __gc = function() got = m.region(1) end })
  collectgarbage()
  t.equal(got, 77)
end)

t.test("a cancel ends a blocking call, once, and is raised afterwards", function()
  local thread = threading.start(function() m.call() end)
  time.sleep(0.01)
  thread:cancel()
  t.raises_kind("cancelled", function() thread:result() end)
end)

t.test("a call that is cancelled before it begins does not run", function()
  for _ = 1, 200 do -- a cancel at any moment: before the call or during it
    local ended, code
    local victim = threading.start(function() ended, code = m.call(true) end)
    for _ = 1, math.random(300) do end
    victim:cancel()
    t.equal(victim:join(t.limit), true, "it ends")
    if code then
      t.equal(code, -8)
      t.equal(type(ended), "boolean")
    else
      t.raises_kind("cancelled", victim.result, victim)
    end
  end
end)

t.test("a wait for a descriptor ends when it is ready, at the deadline, and by a cancel", function()
  t.equal(m.wait(1000, true), 1)
  t.equal(m.wait(5), 0)
  t.equal(m.wait(0), 0)
  local thread = threading.start(function() m.wait(nil) end)
  t.parked(thread, "fd")
  thread:cancel()
  t.raises_kind("cancelled", function() thread:result() end)
end)

t.test("many threads wait for descriptors and are all cancelled", function()
  for _ = 1, 20 do
    local threads = t.start(10, function() m.wait(nil) end)
    for _, thread in ipairs(threads) do thread:cancel() end
    for _, thread in ipairs(threads) do t.raises_kind("cancelled", function() thread:result() end) end
  end
end)

t.test("gilua_check lets others run in a long C function, and raises a cancel", function()
  local flag = {}
  local thread = threading.start(m.busy, flag)
  for i = 1, 3 do time.sleep(0.002) end
  flag.stop = true
  thread:result()
  flag.stop = false
  thread = threading.start(m.busy, flag)
  thread:cancel()
  t.raises_kind("cancelled", function() thread:result() end)
end)

t.test("a wait inside a finalizer does not wait", function()
  local got
  setmetatable({}, { __gc = function() got = { m.wait(1000), m.wait(1000, true) } end })
  collectgarbage()
  t.equal(got[1], -9)
  t.equal(got[2], 1)
end)

t.test("a buffer is read without the lock, and pinned meanwhile", function()
  local native = require "gilua.native"
  local b = native.buffer("f64", 1000)
  for i = 1, 1000 do b[i] = i end
  local threads = t.start(3, function() for _ = 1, 20 do t.equal(m.total(b), 500500.0) end end)
  t.join(threads)
  t.raises("buffer of f64 expected, got u8", m.total, native.buffer("u8", 1))
  t.raises("bad argument #1", m.total, {})
end)

t.finish()
