-- L4, L5: coroutine.close and a failing wrap run every __close handler to its end, whatever the release of Lua and
-- however often the thread is preempted.
local t = require "testing"
local threading = require "gilua.threading"

local function handlers(log, n)
  local function guard(i)
    return setmetatable({}, { __close = function()
      for _ = 1, 300 do end
      log[#log + 1] = i
    end })
  end
  local function nest(i)
    local _ <close> = guard(i)
    if i == n then coroutine.yield() end
    nest(i + 1)
  end
  return nest
end

local function spinning(f)
  local stop = false
  local spinner = threading.start(function() while not stop do end end)
  t.at_intervals(f, { 1e-6, 2e-5 })
  stop = true
  spinner:join()
end

t.test("coroutine.close runs all handlers of a suspended coroutine", function()
  spinning(function()
    for _ = 1, 100 do
      local log = {}
      local co = coroutine.create(handlers(log, 10))
      coroutine.resume(co, 1)
      t.equal(coroutine.close(co), true)
      t.equal(#log, 10)
      t.equal(coroutine.status(co), "dead")
    end
  end)
end)

t.test("a wrapped function that fails has its handlers run and its error passed on", function()
  spinning(function()
    for _ = 1, 100 do
      local log = {}
      local f = coroutine.wrap(function()
        local _ <close> = setmetatable({}, { __close = function() for _ = 1, 300 do end log[1] = true end })
        error { code = 7 }
      end)
      local ok, err = pcall(f)
      t.equal(ok, false)
      t.equal(err.code, 7)
      t.equal(log[1], true)
    end
  end)
end)

t.test("coroutine.close reports the error of a handler", function()
  local co = coroutine.create(function()
    local _ <close> = setmetatable({}, { __close = function() error("in the handler", 0) end })
    coroutine.yield()
  end)
  coroutine.resume(co)
  local ok, err = coroutine.close(co)
  t.equal(ok, false)
  t.equal(err, "in the handler")
end)

t.finish()
