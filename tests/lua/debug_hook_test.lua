-- debug.sethook and gethook behave as in the stock `lua5.4`: snippets run under both, here alone, in a thread, and beside
-- threads that force preemption, and the events must be the same. Count hooks, which may come early, are in
-- debug_count_test.lua.
local t = require "testing"
local stock = require "stock"
local threading = require "gilua.threading"

local head = stock.head .. [[
-- a hook that notes everything about its events
local function note(event, line)
  local info = debug.getinfo(2, "nSlt")
  say(event, line, info.name, info.what, info.currentline, info.istailcall)
end
]]

-- The texts must be the same; shows the first line that is not.
local function equal_lines(got, want, what)
  if got == want then return end
  local next_want, n = want:gmatch("[^\n]*"), 0
  for line in got:gmatch("[^\n]*") do
    n = n + 1
    t.equal(line, next_want() or "(nothing)", what .. ", line " .. n)
  end
  error(what .. ": ends early, before " .. tostring(next_want()), 2)
end

local function same(name, snippet)
  t.test(name, function()
    local program = stock.program(snippet, head)
    local function run()
      local text = assert(load(program, "=snippet"))() -- no tail call: that would show
      return text
    end
    local function run_in_thread() return threading.start(run):result() end
    local want = stock.answer(program)
    equal_lines(run(), want, "alone")
    equal_lines(run_in_thread(), want, "in a thread")
    for _, interval in ipairs { 1e-6, 5e-5, 1e-3 } do
      equal_lines(stock.beside(2, interval, run), want, "beside others at " .. interval)
      equal_lines(stock.beside(2, interval, run_in_thread), want, "in a thread beside others at " .. interval)
    end
    t.equal(debug.gethook(), nil)
  end)
end

local work = [[
  local function fib(n)
    if n < 2 then return n end
    return fib(n - 1) + fib(n - 2)
  end
  local function tail(n) if n > 0 then return tail(n - 1) end return "tail" end
  local function work()
    local sum = 0
    for i = 1, 10 do sum = sum + i end
    for _, v in ipairs { 1, 2, 3 } do
      sum = sum + v
    end
    while sum < 70 do sum = sum + 1 end
    repeat sum = sum - 1 until sum < 65
    fib(6)
    tail(5)
    pcall(error, "x")
    table.sort({ 3, 1, 2 }, function(a, b) return a < b end)
    string.gsub("abc", "%w", function(c) return c:upper() end)
    do local c <close> = setmetatable({}, { __close = function() sum = 0 end }) end
    local m = setmetatable({}, { __index = function(_, k) return k end, __add = function() return 1 end })
    sum = m.x .. m + 1
    goto over
    sum = 1
    ::over::
    return select("#", table.unpack({ 1, 2 }))
  end
]]

for _, mask in ipairs { "l", "c", "r", "cr", "crl" } do
  same("a hook for " .. mask .. " gets the events of stock Lua", work .. [[
    debug.sethook(note, "]] .. mask .. [[")
    work()
    debug.sethook()
    say "off"
    work()
  ]])
end

same("gethook returns what was set, and sethook with nothing takes it off", [[
  local f = function() end
  local function get(...) local hook, mask, count = debug.gethook(...) say(hook == f, mask, count, select("#", debug.gethook(...))) end
  get()
  for _, mask in ipairs { "c", "r", "l", "crl", "lrc", "x", "", "crlcrl" } do
    debug.sethook(f, mask)
    get()
    debug.sethook(f, mask, 100000)
    get()
    debug.sethook()
    get()
  end
  debug.sethook(f, "", 0)
  get()
  debug.sethook(f, "l", -1)
  get()
  debug.sethook(nil, "l")
  get()
  debug.sethook(f, "c")
  debug.sethook(nil)
  get()
  local co = coroutine.create(print)
  debug.sethook(co, f, "r", 7)
  get(co)
  get()
  debug.sethook(co)
  get(co)
]])

same("wrong arguments", [[
  say(pcall(debug.sethook, 1))
  say(pcall(debug.sethook, print))
  say(pcall(debug.sethook, print, {}))
  say(pcall(debug.sethook, 1, "l"))
  say(pcall(debug.sethook, print, "l", "x"))
  say(pcall(debug.sethook, coroutine.create(print), 1, "l"))
  say(pcall(debug.sethook, coroutine.create(print), print))
  say(pcall(function() debug.sethook(nil, 5) end))
  say(debug.gethook())
]])

same("an error raised by a hook is the error of what it interrupted", work .. [[
  for _, mask in ipairs { "l", "c", "r" } do
    local n = 0
    debug.sethook(function()
      n = n + 1
      if n == 5 then error("by the hook", 0) end
    end, mask)
    local ok, err = pcall(work)
    debug.sethook()
    say(mask, ok, err)
  end
  local ok, err = pcall(function()
    debug.sethook(function() debug.sethook() error("positioned") end, "l")
    local x = 1
  end)
  debug.sethook()
  say(ok, err)
  ok, err = pcall(function()
    debug.sethook(function() debug.sethook() error({}) end, "c")
    work()
  end)
  say(ok, type(err), debug.gethook())
]])

same("a hook may change or remove itself", work .. [[
  local n = 0
  debug.sethook(function(event, line)
    n = n + 1
    say(event, line)
    if n == 3 then debug.sethook(function(e, l) say("second", e, l) if l == nil then debug.sethook() end end, "rl") end
  end, "l")
  work()
  say(debug.gethook())
]])

same("events inside a hook are not told", work .. [[
  local n, inside = 0, false
  debug.sethook(function(event)
    if inside then say "nested" end
    inside = true
    n = n + 1
    work()
    inside = false
  end, "crl")
  work()
  debug.sethook()
  say(n)
]])

same("a coroutine inherits the hook of its creator, as it was then", work .. [[
  local before = coroutine.create(function() say("before", debug.gethook()) work() end)
  debug.sethook(function(event, line) say(event, line) end, "l")
  local during = coroutine.create(function() local x = 1 coroutine.yield() local y = 2 end)
  local wrapped = coroutine.wrap(function() local x = 1
    coroutine.yield()
    local y = 2
  end)
  coroutine.resume(during)
  wrapped()
  debug.sethook()
  coroutine.resume(during)
  wrapped()
  coroutine.resume(before)
  say(debug.gethook(during))
  say(debug.gethook(before))
]])

same("a hook of another coroutine fires there only", work .. [[
  local co = coroutine.create(function()
    local a = 1
    coroutine.yield()
    local b = 2
    coroutine.yield()
    local c = 3
  end)
  debug.sethook(co, function(event, line) say(event, line, coroutine.running() == co) end, "lcr")
  work()
  coroutine.resume(co)
  work()
  coroutine.resume(co)
  debug.sethook(co)
  coroutine.resume(co)
  say(coroutine.status(co))
]])

same("a hook can look at and change what it interrupted", [[
  local function target(a)
    local b = a + 1
    local c = b * 2
    return c
  end
  debug.sethook(function(event, line)
    local info = debug.getinfo(2, "S")
    if info.what ~= "Lua" then return end
    for i = 1, 3 do
      local name, value = debug.getlocal(2, i)
      if name and name:match("^%a") then say(line, name, value) end
      if name == "b" then debug.setlocal(2, i, 100) end
    end
    say(debug.traceback("t", 2):match("^[^\n]*\n[^\n]*\n[^\n]*"))
  end, "l")
  local result = target(1)
  debug.sethook()
  say(result)
]])

same("a hook can yield nothing: it is called from C", [[
  local co = coroutine.create(function()
    debug.sethook(function() debug.sethook() coroutine.yield() end, "l")
    local x = 1
    return "end"
  end)
  say(coroutine.resume(co))
]])

same("line events of code loaded with odd lines", [[
  local code = "local a = 1\n\n\nlocal b =\n  a +\n  1\nif a then\n  b = 2\nelse\n  b = 3\nend\n" ..
    "for i = 1, 2 do b = b + i end for i = 1, 2 do\n  b = b\nend return b"
  local f = load(code, "=odd")
  debug.sethook(function(_, line) say(line) end, "l")
  f()
  debug.sethook()
]])

t.test("a hook can be set on a thread that was started before, and is seen there (19)", function()
  local gate, base = threading.Event(), nil
  local thread = threading.start(function()
    base = coroutine.running()
    gate:wait(t.limit)
    local x = 1
    return x
  end)
  t.parked(thread, "event")
  local lines, where, hook = 0, nil, nil
  hook = function()
    lines = lines + 1
    where = threading.current_thread()
  end
  debug.sethook(base, hook, "l")
  t.equal(debug.gethook(base), hook)
  t.equal(debug.gethook(), nil)
  gate:set()
  thread:result()
  t.equal(lines >= 2, true, lines .. " lines")
  t.equal(where, thread)
end)

t.test("a coroutine of a coroutine has the mask and count of the hook, as in the standard library", function()
  local inner
  debug.sethook(function() end, "c", 7)
  local outer = coroutine.create(function() inner = coroutine.create(function() end) end)
  coroutine.resume(outer)
  debug.sethook()
  for _, co in ipairs { outer, inner } do
    local f, mask, count = debug.gethook(co)
    t.equal(f, nil)
    t.equal(mask, "c")
    t.equal(count, 7)
  end
end)

t.test("a hook that a finalizer sets amid the first call of sethook stays", function()
  local program = os.tmpname()
  local file = io.open(program, "w")
  file:write [[
    local t = require "testing"
    local co, n = coroutine.create(print), tonumber(arg[1])
    local function hook() end
    local function set() debug.sethook(co, hook, "c") end
    local reached = t.amid(function() debug.sethook(hook, "", 1000000) end, set, n)
    debug.sethook()
    print(reached and (debug.gethook(co) == hook and "kept" or "lost") or "not reached")
  ]]
  file:close()
  for n = 1, t.places do -- in a program each: there is one first call
    local text, status = t.run { program, n }
    t.equal(status, 0, text)
    if text == "not reached\n" then break end
    t.equal(text, "kept\n", "place " .. n)
  end
  os.remove(program)
end)

t.finish()
