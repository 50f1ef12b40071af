-- coroutine.wrap and coroutine.close do what those of the stock `lua5.4` do: snippets run under both.
local t = require "testing"
local threading = require "gilua.threading"
local gil = require "gilua.gil"

local head = [[
local said = {}
local function say(...)
  local values = table.pack(...)
  for i = 1, values.n do values[i] = tostring(values[i]) end
  said[#said + 1] = table.concat(values, " ")
end
local function closing(name, err)
  return setmetatable({}, { __close = function(_, e) say("close", name, e) if err then error(err, 0) end end })
end
]]

-- What stock Lua says.
local function stock(program)
  local code = "io.write(assert(load(io.read('a'), '=snippet'))())"
  local file = os.tmpname()
  local f <close> = assert(io.open(file, "w"))
  f:write(program)
  f:close()
  local p <close> = io.popen(t.stock .. ' -e "' .. code .. '" <' .. file .. " 2>&1")
  local text = p:read("a")
  os.remove(file)
  return text
end

-- Releases close and count in ways of their own: with a Lua of another kind than the stock one nothing is compared.
local probe = [[
local _, err = pcall(function()
  local _ <close> = setmetatable({}, { __close = function() error("second", 0) end })
  error("first", 0)
end)
return err
]]
local theirs = stock(probe)
assert(theirs == "first" or theirs == "second", theirs) -- else there is no lua5.4
if load(probe)() ~= theirs then
  print "# stock Lua is of another release"
  t.finish()
end

local function same(name, snippet)
  t.test(name, function()
    local program = head .. snippet .. '\nreturn table.concat(said, "\\n")\n'
    local want = stock(program)
    t.equal(#want > 0 and not want:find("^lua5.%d:") and not want:find("not found"), true, "stock Lua says: " .. want)
    t.equal(assert(load(program, "=snippet"))(), want, "in main")
    t.equal(threading.start(assert(load(program, "=snippet"))):result(), want, "in a thread")
    local old, stop = gil.switch_interval(1e-6), false
    local other = threading.start(function() while not stop do end end)
    local _ <close> = setmetatable({}, { __close = function()
      stop = true
      other:join()
      gil.switch_interval(old)
    end })
    t.equal(assert(load(program, "=snippet"))(), want, "beside another thread")
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
