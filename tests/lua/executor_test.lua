-- What holds for every executor: submit, errors, shutdown, terminate, initializers. Behaviours 68 and 71 to 78.
local t = require "testing"
local gilua = require "gilua"
local futures = require "gilua.futures"
local executors = require "executors"

executors.each(function(kind)
  local function test(name, f) t.test(kind.name .. ": " .. name, f) end
  local new = kind.new

  test("a task gets its arguments and gives all its results", function()
    local pool <close> = new { max_workers = 2 }
    local function f(...) return select("#", ...), ... end
    for n = 0, 12 do
      local args = {}
      for i = 1, n do args[i] = i end
      local got = table.pack(pool:submit(f, table.unpack(args)):result())
      t.equal(got.n, n + 1)
      t.equal(got[1], n)
      for i = 1, n do t.equal(got[i + 1], i) end
    end
    local got = table.pack(pool:submit(f, nil, false, nil):result())
    t.equal(got.n, 4)
    t.equal(got[3], false)
  end)

  test("what a task raises is raised by result, and is the exception", function()
    local pool <close> = new { max_workers = 1 }
    local f = pool:submit(function() error("broken", 0) end)
    for _ = 1, 2 do t.equal(select(2, pcall(f.result, f)), "broken") end
    t.equal(f:exception(), "broken")
    local kept = pool:submit(function() error { code = 7 } end):exception()
    t.equal(kept.code, 7)
    t.equal(pool:submit(function() end):exception(), nil)
  end)

  test("the traceback of an error is that of the task (90)", function()
    local pool <close> = new { max_workers = 1 }
    local f = pool:submit(function() local x = nil; return x.y end)
    local ok, err = pcall(f.result, f)
    t.equal(ok, false)
    t.equal(gilua.traceback_of(err):find("executor_test.lua:%d+: in function") ~= nil, true, gilua.traceback_of(err))
  end)

  test("the number of workers is checked (68)", function()
    for _, bad in ipairs { 0, -1, 1e9, math.mininteger, 1.5, "many" } do
      t.raises("max_workers", new, { max_workers = bad })
    end
    t.raises("table expected", new, "3")
    t.raises("max_workers", new, 0)
    t.raises("no value expected", new, 3, "prefix")
    local pool <close> = new(1)
    t.equal(pool:submit(math.abs, -1):result(), 1)
  end)

  test("an initializer is checked (68)", function()
    t.raises("initializer.*function expected", new, { initializer = 3 })
    t.raises("initargs.*table expected", new, { initializer = print, initargs = 3 })
  end)

  test("the initializer runs before the tasks, with its arguments", function()
    local pool <close> = new {
      max_workers = 1,
      initializer = function(a, b) _G.executor_test_value = a .. tostring(b) end,
      initargs = { "x", nil, n = 2 },
    }
    t.equal(pool:submit(function() return _G.executor_test_value end):result(), "xnil")
  end)

  test("what an initializer returns goes nowhere, also what cannot be sent", function()
    local pool <close> = new { max_workers = 1, initializer = function() return coroutine.create(print), function() end end }
    t.equal(pool:submit(math.abs, -3):result(), 3)
  end)

  test("a failing initializer breaks the pool: what is pending and what comes later (78)", function()
    local gate <close> = executors.gate()
    local pool <close> = new { max_workers = 1, initializer = function(pass, path)
      pass(path)
      error("no start", 0)
    end, initargs = { gate.pass, gate.path } }
    local fs = {}
    for i = 1, 3 do fs[i] = pool:submit(math.abs, i) end
    gate:open()
    local errors = {}
    for i, f in ipairs(fs) do
      errors[i] = t.raises_kind("broken_pool", f.result, f)
      t.equal(tostring(errors[i].cause):find("no start", 1, true) ~= nil, true)
    end
    t.equal(errors[1] ~= errors[2], true, "an error object each")
    local err = t.raises_kind("broken_pool", pool.submit, pool, math.abs, 1)
    t.equal(err.message:find("no start", 1, true) ~= nil, true)
    t.raises_kind("broken_pool", pool.map, pool, math.abs, { 1 })
  end)

  test("broken_pool tells where in the initializer the error was raised, and an uncaught one shows it", function()
    local function inner() error("no start") end
    local function initializer()
      inner()
      return 0
    end
    local pool <close> = new { max_workers = 1, initializer = initializer }
    local f = pool:submit(math.abs, 1)
    for _ = 1, 2 do
      local err = t.raises_kind("broken_pool", f.result, f)
      t.equal(tostring(err.cause):find("no start", 1, true) ~= nil, true)
      local text = gilua.traceback_of(err)
      assert(text and text:find("inner", 1, true) and text:find("executor_test.lua:", 1, true), text)
      assert(tostring(err):find(text, 1, true), tostring(err))
      f = setmetatable({}, { __index = { result = function() pool:submit(math.abs, 1) end } })
    end
    local thrown = new { max_workers = 1, initializer = function() error(setmetatable({ message = "mine" }, gilua.Error)) end }
    f = thrown:submit(math.abs, 1)
    local err = t.raises_kind("broken_pool", f.result, f)
    t.equal(err.cause.message, "mine")
    assert(gilua.traceback_of(err):find("executor_test.lua", 1, true))
    thrown:shutdown()
  end)

  test("a queued task can be cancelled, and the others run", function()
    local gate <close> = executors.gate()
    local pool <close> = new { max_workers = 1 }
    local first = pool:submit(gate.pass, gate.path, "first")
    t.eventually(function() return first:running() end)
    local fs = {}
    for i = 1, 6 do fs[i] = pool:submit(math.abs, -i) end
    for i = 1, 6, 2 do t.equal(fs[i]:cancel(), true) end
    gate:open()
    t.equal(first:result(), "first")
    for i = 1, 6 do
      if i % 2 == 0 then t.equal(fs[i]:result(), i)
      else t.raises_kind("cancelled", fs[i].result, fs[i]) end
    end
  end)

  test("submit after shutdown raises invalid_state (73)", function()
    local pool = new { max_workers = 1 }
    pool:shutdown()
    local err = t.raises_kind("invalid_state", pool.submit, pool, print)
    t.equal(err.state, "closed")
    t.raises_kind("invalid_state", pool.map, pool, print, {})
    pool:shutdown()
    pool:terminate()
  end)

  test("shutdown completes what is queued (74)", function()
    local pool, fs = new { max_workers = 2 }, {}
    for i = 1, 50 do fs[i] = pool:submit(math.abs, -i) end
    pool:shutdown()
    for i = 1, 50 do t.equal(fs[i]:result(0), i) end
  end)

  test("shutdown with cancel_futures cancels what has not begun and leaves nothing undecided (74)", function()
    local gate <close> = executors.gate()
    local pool, fs = new { max_workers = 2 }, {}
    for i = 1, 50 do fs[i] = pool:submit(gate.pass, gate.path, i) end
    t.eventually(function() return fs[1]:running() and fs[2]:running() end)
    pool:shutdown { wait = false, cancel_futures = true }
    t.eventually(function() return fs[50]:cancelled() end) -- a server may have to be asked; it answers in order
    gate:open()
    pool:shutdown()
    local n = 0
    for i, f in ipairs(fs) do
      t.equal(f:done(), true)
      if f:cancelled() then n = n + 1 else t.equal(f:result(), i) end
    end
    t.equal(n >= 40, true, n .. " cancelled")
    t.equal(fs[1]:cancelled() or fs[2]:cancelled(), false)
  end)

  test("shutdown{wait = false} returns, and the work is done (75)", function()
    local gate <close> = executors.gate()
    local pool = new { max_workers = 1 }
    local f, g = pool:submit(gate.pass, gate.path, 1), pool:submit(math.abs, -2)
    pool:shutdown { wait = false }
    t.equal(f:done(), false)
    gate:open()
    t.equal(f:result(), 1)
    t.equal(g:result(), 2)
  end)

  test("a cancel just before shutdown does not hang it (76)", function()
    for _ = 1, 20 do
      local pool = new { max_workers = 1 }
      local f, g = pool:submit(math.abs, 1), pool:submit(math.abs, 1)
      g:cancel()
      pool:shutdown()
      t.equal(f:done() and g:done(), true)
    end
  end)

  test("a pool that is dropped completes its work and goes (77)", function()
    local gate <close> = executors.gate()
    local pool, fs = new { max_workers = 2 }, {}
    for i = 1, 10 do fs[i] = pool:submit(gate.pass, gate.path, i) end
    local weak = setmetatable({ pool }, { __mode = "v" })
    pool = nil
    collectgarbage()
    gate:open()
    for i = 1, 10 do t.equal(fs[i]:result(), i) end
    fs = nil
    t.eventually(function()
      collectgarbage()
      return weak[1] == nil
    end)
  end)

  test("terminate cancels what is queued and what runs, and refuses more (89)", function()
    local gate <close> = executors.gate()
    local pool, fs = new { max_workers = 2 }, {}
    for i = 1, 10 do fs[i] = pool:submit(gate.pass, gate.path, i) end
    t.eventually(function() return fs[1]:running() and fs[2]:running() end)
    pool:terminate()
    for _, f in ipairs(fs) do t.raises_kind("cancelled", f.result, f) end
    t.raises_kind("invalid_state", pool.submit, pool, print)
    pool:terminate()
    pool:shutdown()
  end)

  test("terminate on an idle, a new and a closed pool is safe (89)", function()
    local fresh, idle, closed = new { max_workers = 2 }, new { max_workers = 2 }, new { max_workers = 2 }
    idle:submit(math.abs, 1):result()
    closed:shutdown()
    for _, pool in ipairs { fresh, idle, closed } do
      pool:terminate()
      pool:shutdown()
    end
  end)

  test("the end of the scope waits for the tasks, on errors too", function()
    local f
    pcall(function()
      local pool <close> = new { max_workers = 1 }
      f = pool:submit(function()
        require "gilua.time".sleep(0.01)
        return "done"
      end)
      error "out"
    end)
    t.equal(f:result(0), "done")
  end)

  test("callbacks may submit to the same pool (87)", function()
    local pool <close> = new { max_workers = 1 }
    local last
    local f = pool:submit(math.abs, -1)
    f:add_done_callback(function(x) last = pool:submit(math.abs, -x:result() - 1) end)
    t.eventually(function() return last end)
    t.equal(last:result(), 2)
  end)

  test("wait and as_completed take its futures (65, 66)", function()
    local gate <close> = executors.gate()
    local pool <close> = new { max_workers = 3 }
    local slow = pool:submit(gate.pass, gate.path, 1)
    local quick, failing = pool:submit(math.abs, -2), pool:submit(error, "x")
    local done, open = futures.wait({ slow, quick }, { return_when = "FIRST_COMPLETED" })
    t.equal(done[1], quick)
    t.equal(open[1], slow)
    done = futures.wait({ slow, failing }, { return_when = "FIRST_EXCEPTION" })
    t.equal(done[1], failing)
    gate:open()
    local n = 0
    for f in futures.as_completed { slow, quick, failing } do
      t.equal(f:done(), true)
      n = n + 1
    end
    t.equal(n, 3)
  end)

  test("misspelled options are named", function()
    t.raises("unknown field 'max_worker' to '%a+PoolExecutor' %(it has max_workers, ", new, { max_worker = 2 })
    local pool <close> = new { max_workers = 1 }
    t.raises("unknown field 'now' to 'shutdown' %(it has wait, cancel_futures%)", pool.shutdown, pool, { now = true })
    t.raises("unknown field 'when' to 'wait'", futures.wait, {}, { when = "ALL_COMPLETED" })
    t.raises("bad field 'return_when' to 'wait'", futures.wait, {}, { return_when = "all" })
    t.raises("bad field 'timeout' to 'wait' %(timeout must not be negative", futures.wait, {}, { timeout = -1 })
    t.raises("bad field 'timeout' to 'map' %(number expected, got string", pool.map, pool, print, {}, { timeout = "1" .. "s" })
  end)

  test("what is no function is refused at the call", function()
    local pool <close> = new { max_workers = 1 }
    t.raises("function expected", pool.submit, pool, 3)
    t.raises("function expected", pool.submit, pool)
    t.raises("Executor expected", pool.submit, {}, print)
  end)

  test("the program ends with work queued: it is done first (75)", function()
    local text, status = t.run { "-e", string.format([[
      pool = (%s){max_workers = 2}
      fs = {}
      for i = 1, 20 do fs[i] = pool:submit(function(i) require"gilua.time".sleep(0.002) return i end, i) end
      fs[20]:add_done_callback(function(f) print("last", f:result()) end)]], kind.source) }
    t.equal(text, "last\t20\n")
    t.equal(status, 0)
  end)

  test("the program ends with a pool that is idle, new, dropped or terminated", function()
    for _, code in ipairs { "pool:submit(print):result()", "", "pool = nil", "pool:submit(print) pool:terminate()",
                            "pool:submit(print) pool = nil collectgarbage()", "pool:submit(print) os.exit(0, true)",
                            "pool:submit(print):result() os.exit(0)" } do
      local _, status = t.run { "-e", string.format([[
        pool = (%s){max_workers = 2} %s]], kind.source, code) }
      t.equal(status, 0, code)
    end
  end)
end)

t.finish()
