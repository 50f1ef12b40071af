-- L16: C modules resume coroutines by lua_resume (event loops do), and call back on the state that loaded them (lua-luv does).
-- Nobody tells gilua; it keeps no such state, and preempts what it has seen. arg[1] is the module of hazard_module.c.
local t = require "testing"
local gilua = require "gilua"
local threading = require "gilua.threading"
local time = require "gilua.time"
local module = assert(package.loadlib("./" .. arg[1], "luaopen_hazard"))()

-- Computes until another thread has had several turns, or for long.
local function let_in()
  local turns, stop = 0, false
  local other = threading.start(function() while not stop do turns = turns + 1 time.sleep(0.0001) end end)
  local late = os.clock() + t.limit
  while turns < 3 and os.clock() < late do end
  stop = true
  return turns >= 3, other
end

local function garbage()
  for _ = 1, 3 do collectgarbage() end
end

t.test("L16 the thread is preempted after a coroutine that started one is gone", function()
  local turns, stop = 0, false
  local other
  module.resume(function() other = threading.start(function() while not stop do turns = turns + 1 time.sleep(0.0001) end end) end)
  garbage()
  local late = os.clock() + t.limit
  while turns < 3 and os.clock() < late do end
  t.equal(turns >= 3, true)
  stop = true
  other:join()
end)

t.test("L16 the thread is preempted after a coroutine that resumed others is gone", function()
  module.resume(function() coroutine.wrap(function() end)() end)
  garbage()
  local was_let_in, other = let_in()
  other:join()
  t.equal(was_let_in, true)
end)

t.test("L16 a coroutine that C resumed is preempted once it has called us", function()
  local status, was_let_in, other
  status = module.resume(function() was_let_in, other = let_in() end)
  t.equal(status, 0)
  t.equal(was_let_in, true)
  other:join()
end)

t.test("L16 so is one that computes after it resumed another", function()
  local turns, stop, was_let_in = 0, false, false
  local other = threading.start(function() while not stop do turns = turns + 1 time.sleep(0.0001) end end)
  module.resume(function()
    coroutine.wrap(function() end)()
    local before, late = turns, os.clock() + t.limit
    while turns < before + 3 and os.clock() < late do end
    was_let_in = turns >= before + 3
  end)
  stop = true
  other:join()
  t.equal(was_let_in, true)
end)

t.test("L16 a coroutine that C resumed is cancelled", function()
  local entered = threading.Event()
  local thread = threading.start(function()
    local _, err = module.resume(function() entered:set() while true do end end)
    return err
  end)
  entered:wait()
  thread:cancel()
  t.equal(gilua.is_error(thread:result(), "cancelled"), true)
end)

t.test("L16 a wait on a state that another thread uses is invalid_state", function()
  local event = threading.Event()
  local waits = {
    function() time.sleep(10) end,
    function() event:wait() end,
    function() coroutine.wrap(function() time.sleep(10) end)() end,
  }
  local thread = threading.start(function()
    local errors = {}
    for i = 1, 3 do
      local ok, err = module.call_at_home(waits[i])
      errors[i] = not ok and gilua.is_error(err, "invalid_state")
    end
    return table.unpack(errors)
  end)
  local a, b, c = thread:result()
  t.equal(a, true)
  t.equal(b, true)
  t.equal(c, true)
end)

t.test("L16 what does not wait works there, and its thread waits as before", function()
  local lock = threading.Lock()
  local thread = threading.start(function()
    local ok, sum = module.call_at_home(function()
      local _ <close> = lock:hold()
      local n = 0
      for i = 1, 1e6 do n = n + 1 end
      return n
    end)
    time.sleep(0.001)
    return ok, sum, lock:locked()
  end)
  local ok, sum, locked = thread:result()
  t.equal(ok, true)
  t.equal(sum, 1000000)
  t.equal(locked, false)
end)

t.finish()
