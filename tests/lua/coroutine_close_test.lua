-- coroutine.wrap and coroutine.close do what those of the stock `lua5.4` do: snippets run under both.
local t = require "testing"
local stock = require "stock"
local threading = require "gilua.threading"

stock.needs_same_release()

local head = stock.head .. [[
local function closing(name, err)
  return setmetatable({}, { __close = function(_, e) say("close", name, e) if err then error(err, 0) end end })
end
]]

local function same(name, snippet)
  t.test(name, function()
    local program = stock.program(snippet, head)
    local want = stock.answer(program)
    t.equal(assert(load(program, "=snippet"))(), want, "in main")
    t.equal(threading.start(assert(load(program, "=snippet"))):result(), want, "in a thread")
    t.equal(stock.beside(1, 1e-6, assert(load(program, "=snippet"))), want, "beside another thread")
  end)
end

same("wrap passes values, and errors with a position", [[
  local f = coroutine.wrap(function(...) say(...) say(coroutine.yield(...)) return "end" end)
  say(f(1, nil))
  say(f(2))
  say(pcall(f))
  local function g() coroutine.wrap(function() error("in wrap") end)() end
  say(pcall(g))
  say(pcall(coroutine.wrap(function() error("no position", 0) end)))
  say(pcall(function() coroutine.wrap(error)("from C") end))
  say(pcall(function() coroutine.wrap(error)("from C", 0) end))
  say(pcall(function() coroutine.wrap(error)({}) end) == false)
  say(pcall(coroutine.wrap(function() coroutine.wrap(function() coroutine.wrap(error)("deep") end)() end)))
  local again
  again = coroutine.wrap(function() return pcall(again) end)
  say(again())
  for i in coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end) do say(i) end
  say(select("#", coroutine.wrap(function() end)()))
  say(type(f), tostring(f):match("^function: "))
]])

same("wrap closes what is pending when its coroutine fails", [[
  local f = coroutine.wrap(function()
    local a <close> = closing "a"
    local b <close> = closing("b", "error of b")
    error("first", 0)
  end)
  say(pcall(f))
  say(pcall(f))
  local g = coroutine.wrap(function() local a <close> = closing "kept" coroutine.yield(1) end)
  say(g())
]])

same("close runs pending close variables and tells their error", [[
  local function suspended(...)
    local errors = { ... }
    local co = coroutine.create(function()
      local a <close> = closing("a", errors[1])
      local b <close> = closing("b", errors[2])
      coroutine.yield()
    end)
    coroutine.resume(co)
    return co
  end
  for _, errors in ipairs { {}, { "ea" }, { false, "eb" }, { "ea", "eb" }, { { } } } do
    local co = suspended(table.unpack(errors))
    local ok, err = coroutine.close(co)
    say(ok, type(err) == "table" and "table" or err, coroutine.status(co), coroutine.resume(co))
    say(coroutine.close(co))
  end
  local fresh = coroutine.create(print)
  say(coroutine.close(fresh), coroutine.status(fresh), coroutine.resume(fresh))
  local failed = coroutine.create(error)
  say(coroutine.resume(failed, "why"))
  say(coroutine.close(failed))
  say(coroutine.close(failed))
  local pending = coroutine.create(function() local a <close> = closing "a" error("body", 0) end)
  say(coroutine.resume(pending))
  say(coroutine.close(pending))
  local yields = coroutine.create(function()
    local a <close> = setmetatable({}, { __close = coroutine.yield })
    coroutine.yield(1)
  end)
  coroutine.resume(yields)
  say(coroutine.close(yields))
  local nested = coroutine.wrap(function()
    local inner = suspended()
    local a <close> = setmetatable({}, { __close = function() say(coroutine.close(inner)) end })
    error("outer", 0)
  end)
  say(pcall(nested))
]])

t.finish()
