-- Message handlers of xpcall that never end: a cancel or a Ctrl-C leaves them, and xpcall returns its error.
local t = require "testing"
local gilua = require "gilua"
local threading = require "gilua.threading"

local function compute() while true do end end
local function wait() threading.Event():wait() end
local function deep(f)
  local function down(n)
    if n == 0 then f() end
    return 1 + down(n - 1)
  end
  down(50)
end

-- Bodies that fail in several ways, and handlers; `begin` is called as the handler begins.
local bodies = {
  ["error"] = function() error "x" end,
  ["assert"] = function() assert(nil, "x") end,
  ["an index"] = function()
    local none
    return none.field
  end,
  ["a call"] = function()
    local none
    none()
  end,
  ["a comparison"] = function() return {} < 1 end,
}
local handlers = {
  ["computes"] = function(begin) return function() begin() compute() end end,
  ["waits"] = function(begin) return function() begin() wait() end end,
  ["computes far from its beginning"] = function(begin) return function() begin() deep(compute) end end,
}

-- The same for handlers that are left by a tail call.
local function tail(begin)
  local function go_on()
    begin()
    compute()
  end
  return function(e) return go_on(e) end
end

local function each(f)
  for body_name, body in pairs(bodies) do
    for handler_name, handler in pairs(handlers) do f(body_name .. ", " .. handler_name, body, handler) end
  end
  f("error, leaves itself by a tail call", bodies.error, tail)
  f("assert, leaves itself by a tail call", bodies.assert, tail)
end

t.test("a cancel ends a thread whose message handler never ends", function()
  each(function(name, body, handler)
    local began = threading.Event()
    local thread = threading.start(function() return xpcall(body, handler(function() began:set() end)) end)
    began:wait()
    thread:cancel()
    t.equal(thread:join(t.limit), true, name)
    local ok, e = thread:result()
    t.equal(ok, false, name)
    t.equal(gilua.is_error(e, "cancelled"), true, name)
  end)
end)

t.test("a Ctrl-C ends a message handler of the main thread that never ends", function()
  if t.tsan then return end -- it holds signals back
  local signal = require "gilua.signal"
  each(function(name, body, handler)
    local began = threading.Event()
    local thread = threading.start(function()
      began:wait()
      signal.raise_signal "INT"
    end)
    local ok, e = xpcall(body, handler(function() began:set() end))
    t.equal(ok, false, name)
    t.equal(gilua.is_error(e, "interrupted"), true, name)
    thread:join()
  end)
end)

t.test("in a coroutine, too, and it is the innermost xpcall that returns", function()
  local began = threading.Event()
  local thread = threading.start(function()
    return coroutine.wrap(function()
      local inner, inner_error
      local outer = xpcall(function()
        inner, inner_error = xpcall(bodies.error, handlers.computes(function() began:set() end))
      end, function() error "not called" end)
      return outer, inner, inner_error
    end)()
  end)
  began:wait()
  thread:cancel()
  local outer, inner, e = thread:result()
  t.equal(outer, true)
  t.equal(inner, false)
  t.equal(gilua.is_error(e, "cancelled"), true)
end)

t.test("the handler of an xpcall whose function is cancelled is called, with the stack as it was", function()
  local began = threading.Event()
  local function computes()
    began:set()
    while true do end
  end
  local thread = threading.start(function()
    return xpcall(computes, function(e) return { e.kind, debug.getinfo(2, "f").func } end)
  end)
  began:wait()
  thread:cancel()
  local ok, seen = thread:result()
  t.equal(ok, false)
  t.equal(seen[1], "cancelled")
  t.equal(seen[2], computes)
end)

t.test("a pcall inside a handler takes the error, and the handler goes on", function()
  local began = threading.Event()
  local thread = threading.start(function()
    return xpcall(bodies.error, function()
      local _, e = pcall(function()
        began:set()
        compute()
      end)
      return "handled " .. e.kind
    end)
  end)
  began:wait()
  thread:cancel()
  local ok, text = thread:result()
  t.equal(ok, false)
  t.equal(text, "handled cancelled")
end)

t.finish()
