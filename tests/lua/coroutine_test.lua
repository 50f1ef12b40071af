-- The coroutine library does what that of the stock `lua5.4` does: snippets run under both, here in main and in a thread,
-- and what they say must be the same. wrap and close are in coroutine_close_test.lua,
-- coroutines and threads together in coroutine_thread_test.lua.
local t = require "testing"
local stock = require "stock"
local threading = require "gilua.threading"

stock.needs_same_release()

-- alone: not beside another thread, because a switch costs time for each frame of the stack
local function same(name, snippet, alone)
  t.test(name, function()
    local program = stock.program(snippet)
    local want = stock.answer(program)
    t.equal(assert(load(program, "=snippet"))(), want, "in main")
    t.equal(threading.start(assert(load(program, "=snippet"))):result(), want, "in a thread")
    if alone then return end
    t.equal(stock.beside(1, 1e-6, assert(load(program, "=snippet"))), want, "beside another thread")
  end)
end

same("values go in and out, and the status follows", [[
  local co
  co = coroutine.create(function(...)
    say("start", ...)
    say("status", coroutine.status(co))
    say("resumed", coroutine.yield(1, nil, 3))
    say("resumed", coroutine.yield())
    return "end", nil
  end)
  say(coroutine.status(co))
  say(coroutine.resume(co, "a", nil))
  say(coroutine.status(co))
  say(coroutine.resume(co))
  say(coroutine.resume(co, false, "x", nil))
  say(coroutine.status(co))
  say(coroutine.resume(co))
]])

same("errors come back as they are, with their position", [[
  local function try(f, ...)
    local co = coroutine.create(f)
    say(coroutine.resume(co, ...))
    say(coroutine.status(co))
    say(coroutine.resume(co))
  end
  try(error, "plain")
  try(function() error("positioned") end)
  try(function() error("level 2", 2) end)
  try(function() error() end)
  try(function() error(12) end)
  try(function() error(setmetatable({}, { __tostring = function() return "object" end })) end)
  try(function() local x = nil; x.field = 1 end)
  try(function() return 1 + {} end)
  try(function() coroutine.yield(error("in an argument")) end)
  local e = {}
  local _, got = coroutine.resume(coroutine.create(error), e)
  say(got == e)
]])

same("resume and close of what is running, normal, or dead", [[
  local main = coroutine.running()
  local co
  co = coroutine.create(function()
    say(coroutine.resume(co))
    say(coroutine.resume(main))
    say(pcall(coroutine.close, co))
    say(pcall(coroutine.close, main))
    say(coroutine.status(main), coroutine.status(co))
    local inner = coroutine.create(function()
      say(coroutine.resume(co))
      say(pcall(coroutine.close, co))
      say(coroutine.status(co))
    end)
    say(coroutine.resume(inner))
  end)
  say(coroutine.resume(co))
  say(coroutine.close(co))
  say(coroutine.close(co))
  say(coroutine.resume(co))
  say(pcall(coroutine.close, main))
  say(coroutine.resume(main))
  say(coroutine.status(main))
]])

same("running and isyieldable", [[
  local main, is_main = coroutine.running()
  say(type(main), is_main, coroutine.isyieldable(), coroutine.isyieldable(main))
  local co
  co = coroutine.create(function()
    local running, is = coroutine.running()
    say(running == co, is, coroutine.isyieldable(), coroutine.isyieldable(co), coroutine.isyieldable(main))
    table.sort({ 1, 2 }, function() say(coroutine.isyieldable()) return false end)
    pcall(function() say(coroutine.isyieldable()) end)
  end)
  say(coroutine.isyieldable(co))
  say(coroutine.resume(co))
  say(coroutine.isyieldable(co))
  say(select("#", coroutine.running()))
]])

same("yield where it cannot be", [[
  say(pcall(coroutine.yield))
  say(pcall(coroutine.yield, 1, 2))
  local function outside() coroutine.yield() end
  say(pcall(outside))
  say(coroutine.resume(coroutine.create(function() table.sort({ 1, 2, 3 }, coroutine.yield) end)))
  say(coroutine.resume(coroutine.create(function() ("x"):gsub("x", coroutine.yield) end)))
  say(coroutine.resume(coroutine.create(function()
    return tostring(setmetatable({}, { __tostring = function() coroutine.yield() return "x" end }))
  end)))
  say(coroutine.resume(coroutine.create(function() load(function() coroutine.yield() end) end)))
  say(coroutine.resume(coroutine.create(function() say(load(coroutine.yield)) end)))
]])

same("yield across pcall, xpcall, metamethods, iterators and close handlers", [[
  local y = coroutine.yield
  local mt = { __index = function(_, k) return y("index", k) end, __newindex = function(_, k, v) y("newindex", k, v) end,
    __add = function() return y "add" end, __lt = function() return y "lt" end, __eq = function() return y "eq" end,
    __concat = function() return y "concat" end, __len = function() return y "len" end, __call = function(_, x) return y("call", x) end,
    __unm = function() return y "unm" end, __le = function() return y "le" end }
  local function body()
    local a, b = setmetatable({}, mt), setmetatable({}, mt)
    say(pcall(function() return a.x, y "in pcall" end))
    say(pcall(function() error(y "to fail", 0) end))
    say(xpcall(function() y "in xpcall" error("e", 0) end, function(m) return "handled " .. m end))
    say(pcall(pcall, pcall, y, "nested"))
    a.k = 5
    say(a + b, a < b, a == b, a <= b, a .. b, #a, a(1), -a)
    if a < b then say "then" else say "else" end
    for i in function(_, i) return y("for", i) end, nil, 0 do say("i", i) break end
    do local c <close> = setmetatable({}, { __close = function() say("closed", y "in close") end }) end
    local function closes() local c <close> = setmetatable({}, { __close = function() y "on return" end }) return 1, 2 end
    say(closes())
    say(pcall(function()
      local c <close> = setmetatable({}, { __close = function(_, e) say("e", e, y "on error") end })
      error("x", 0)
    end))
    return y "last"
  end
  local co, n = coroutine.create(body), 0
  local r = table.pack(coroutine.resume(co))
  while coroutine.status(co) == "suspended" do
    n = n + 1
    say("yielded", table.unpack(r, 2, r.n))
    r = table.pack(coroutine.resume(co, n))
  end
  say(table.unpack(r, 1, r.n))
]])

same("wrong arguments", [[
  for _, f in ipairs { "resume", "close", "status", "create", "wrap", "isyieldable" } do
    say(f, pcall(coroutine[f]))
    say(f, pcall(coroutine[f], 1))
    say(f, pcall(function() return coroutine[f]({}) end))
    say(f, pcall(function() coroutine[f]("x") return 1 end))
  end
  say(pcall(function() local s = coroutine.status s() end))
  local names = {}
  for name in pairs(coroutine) do names[#names + 1] = name end
  table.sort(names)
  say(table.unpack(names))
]])

same("C functions as bodies", [[
  say(coroutine.wrap(coroutine.yield)(1, 2))
  local co = coroutine.create(pcall)
  say(coroutine.resume(co, coroutine.yield, "y"))
  say(coroutine.resume(co, "back"))
  say(coroutine.resume(coroutine.create(math.max), 3, 9, 4))
  say(coroutine.resume(coroutine.create(select), "#", nil, nil))
  say(coroutine.resume(coroutine.create(string.rep)))
  co = coroutine.create(coroutine.wrap(function(a) a = coroutine.yield(a + 1) return a * 2 end))
  say(coroutine.resume(co, 1))
  say(coroutine.resume(co, 1))
]])

same("too many values", [[
  local function many() return table.unpack({}, 1, 900000) end
  say(select("#", coroutine.resume(coroutine.create(function(...) return ... end), many())))
  local co = coroutine.create(function() return many() end)
  say(coroutine.resume(coroutine.create(function() return select("#", coroutine.resume(co)) end)))
  co = coroutine.create(function() coroutine.yield(table.unpack({}, 1, 500000)) end)
  say(pcall(function() return select("#", 1, table.unpack({}, 1, 499000)) + select("#", coroutine.resume(co)) end))
  say(coroutine.status(co))
  co = coroutine.create(function(...) return select("#", ...) end)
  local function call(...) return coroutine.resume(co, ...) end
  say(pcall(call, table.unpack({}, 1, 499000)))
]])

same("resumes nested too deep are an error, and end well", [[
  local depth = 0
  local function nest()
    depth = depth + 1
    return coroutine.resume(coroutine.create(nest))
  end
  local r = table.pack(nest())
  say(r[r.n], depth > 150)
  local function wrapped() return coroutine.wrap(wrapped)() end
  local ok, err = pcall(wrapped)
  say(ok, err:sub(-16))
  local function by_pcall() return pcall(by_pcall) end
  local q = table.pack(coroutine.wrap(by_pcall)())
  say(q[q.n])
]])

same("recursion that is too deep is an error of the coroutine", [[
  local function recurse(n) return 1 + recurse(n + 1) end
  local co = coroutine.create(recurse)
  say(coroutine.resume(co, 1))
  say(coroutine.status(co))
]], true)

same("tracebacks and locals of coroutines", [[
  local function inner(x) local y = x * 2 coroutine.yield(y) error("late") end
  local co = coroutine.create(function(a) inner(a) return 1 end)
  say(debug.traceback(co))
  coroutine.resume(co, 21)
  say(debug.traceback(co))
  say(debug.traceback(co, "message"))
  say(debug.traceback(co, nil, 1))
  say(debug.getlocal(co, 1, 1))
  say(debug.getlocal(co, 1, 2))
  say(debug.getinfo(co, 1, "l").currentline, debug.getinfo(co, 1, "n").name, debug.getinfo(co, 9, "l"))
  say(debug.setlocal(co, 1, 2, "changed"))
  say(debug.getlocal(co, 1, 2))
  coroutine.resume(co)
  say(debug.traceback(co))
  coroutine.wrap(function() say(debug.traceback("inside")) end)()
  say(select(2, xpcall(coroutine.wrap(function() error("by wrap") end), debug.traceback)):match("^[^\n]*"))
]])

same("generators, producers and consumers", [[
  local function permutations(a, n)
    n = n or #a
    if n <= 1 then coroutine.yield(table.concat(a)) return end
    for i = 1, n do
      a[n], a[i] = a[i], a[n]
      permutations(a, n - 1)
      a[n], a[i] = a[i], a[n]
    end
  end
  for p in coroutine.wrap(function() permutations { "a", "b", "c", "d" } end) do say(p) end
  local function numbers() for i = 2, 60 do coroutine.yield(i) end end
  local function filter(p, g) return function() for n in g do if n % p ~= 0 then coroutine.yield(n) end end end end
  local x = coroutine.wrap(numbers)
  while true do
    local n = x()
    if not n then break end
    say(n)
    x = coroutine.wrap(filter(n, x))
  end
]])

same("an error in a message handler, inside a coroutine", [[
  say(coroutine.resume(coroutine.create(function() return xpcall(error, function(m) error("again", 0) end, "x") end)))
  say(coroutine.resume(coroutine.create(function() return xpcall(error, function(m) return coroutine.isyieldable() end, "x") end)))
  say(coroutine.resume(coroutine.create(function()
    return xpcall(error, function(m) coroutine.yield("from the handler") return m end, "x")
  end)))
]])

t.finish()
