-- What an error shows, where it comes from a script, -e, -l or stdin, and the status it ends with.
package.path = arg[0]:match("^.*/") .. "?.lua;" .. package.path
local stock = require "stock"

-- The same error out of each place that code can come from.
for _, row in ipairs {
  { "a string", "error('text')", "text" },
  { "a string without position", "error('text', 0)", "lua: text\n" },
  { "a string at the caller's position", "local function f() error('text', 2) end f()", "text" },
  { "a string of many lines", "error('one\\ntwo')", "two" },
  { "an empty string", "error('', 0)", "lua: \n" },
  { "a string with a NUL", "error('before\\0after', 0)", "before" },
  { "a number", "error(42)", "lua: 42" },
  { "a float", "error(2^53)", "9.007199254741e+15" },
  { "a table", "error({})", "(error object is a table value)" },
  { "nil", "error(nil)", "(error object is a nil value)" },
  { "nothing", "error()", "(error object is a nil value)" },
  { "a boolean", "error(false)", "(error object is a boolean value)" },
  { "a function", "error(print)", "(error object is a function value)" },
  { "a coroutine", "error(coroutine.create(print))", "(error object is a thread value)" },
  { "a file", "error(io.stdout)", "lua: file (0x" },
  { "a table with __tostring", "error(setmetatable({}, { __tostring = function() return 'mine' end }))",
    "lua: mine\n" },
  { "a table with __tostring giving a number", "error(setmetatable({}, { __tostring = function() return 7 end }))",
    "(error object is a table value)" },
  { "a table with __tostring giving nil", "error(setmetatable({}, { __tostring = function() end }))",
    "(error object is a table value)" },
  { "a table with __tostring that is no function", "error(setmetatable({}, { __tostring = 1 }))",
    "attempt to call a number value" },
  { "a table with __tostring that fails", "error(setmetatable({}, { __tostring = function() error('inner') end }))",
    "lua: " },
  { "a table with __tostring that fails with a table",
    "error(setmetatable({}, { __tostring = function() error({}) end }))", "lua: " },
  { "a table with __name", "error(setmetatable({}, { __name = 'My.Type' }))", "(error object is a table value)" },
  { "a failed assert", "assert(false)", "assertion failed!" },
  { "a failed assert with a table", "assert(nil, {})", "(error object is a table value)" },
  { "a call of nil", "local t = {} t.x.y()", "attempt to index a nil value (field 'x')" },
  { "arithmetic on a string", "local x = 'a' + 1", "attempt to add a 'string' with a 'number'" },
  { "a comparison", "local x = {} < {}", "attempt to compare two table values" },
  { "a bad argument", "string.rep()", "bad argument #1 to 'rep'" },
  { "a bad argument to a method", "('x'):rep({})", "bad argument #1 to 'rep'" },
  { "a for loop", "for i = 1, 10, 0 do end", "'for' step is zero" },
  { "a goto out of nowhere", "goto nowhere", "no visible label 'nowhere'" },
  { "a missing end", "if x then", "'end' expected" },
  { "an unfinished string", "x = 'abc\n'", "unfinished string near ''abc'" },
  { "an odd byte", "x = \1", "near '<\\1>'" },
  { "a const that is assigned", "local x <const> = 1; x = 2", "attempt to assign to const variable 'x'" },
  { "a module that is missing", "require 'no.such.module'", "module 'no.such.module' not found:" },
  { "a huge string", "local s = string.rep('x', 1 << 40)", "lua: " },
  { "a string beyond all bounds", "local s = string.rep('x', 1 << 62, ',')", "resulting string too large" },
  { "a tail call", "local function f() return error('deep') end return f()", "(...tail calls...)" },
  { "pcall that rethrows", "local ok, e = pcall(error, 'once') error(e, 0)", "lua: once" },
  { "xpcall that rethrows a traceback", "local _, tb = xpcall(error, debug.traceback, 'x') error(tb, 0)",
    "[C]: in function 'xpcall'" },
  { "a coroutine", "local co = coroutine.wrap(function() error('within') end) co()", "within" },
  { "a coroutine that failed and is resumed",
    "local co = coroutine.create(error) coroutine.resume(co) error(select(2, coroutine.resume(co)))",
    "cannot resume dead coroutine" },
  { "a sort with a wild comparison", "table.sort({ 1, 2, 3, 4, 5 }, function() return true end)",
    "invalid order function for sorting" },
  { "a gsub callback", "string.gsub('abc', '.', function() error('in gsub') end)", "in function 'string.gsub'" },
  { "a metamethod", "local x = setmetatable({}, { __add = function() error('in add') end }) + 1",
    "in metamethod 'add'" },
  { "a <close> variable", "local x <close> = setmetatable({}, { __close = function() error('in close') end })",
    "in close" },
  { "a <close> variable after another error",
    "local x <close> = setmetatable({}, { __close = function(_, e) error('and ' .. tostring(e), 0) end }) error('first', 0)",
    "and first" },
  { "a value that cannot be closed", "local x <close> = 5", "variable 'x' got a non-closable value" },
  { "a recursion through C", "local function f(s) return (s:gsub('.', f)) end f('x')", "C stack overflow" },
  { "a recursion through pcall",
    "local n = 0 local function f() n = n + 1 local ok, e = pcall(f) error(e, 0) end\n" ..
    "local _, e = pcall(f) error(n .. ' ' .. e)", "overflow" },
  { "a recursion through coroutines",
    "local n = 0 local function f() n = n + 1 return select(2, coroutine.resume(coroutine.create(f))) end\n" ..
    "error(f() .. ' ' .. n)",
    "C stack overflow" },
  { "a recursion through coroutine.wrap",
    "local n = 0 local function f() n = n + 1 return coroutine.wrap(f)() end f()", "C stack overflow" },
  { "a recursion through __index",
    "local t = setmetatable({}, {}) getmetatable(t).__index = function(_, k) return t[k + 1] end local x = t[1]",
      "C stack overflow" },
  { "a loop through __index", "local a = setmetatable({}, {}) getmetatable(a).__index = a local x = a.b",
    "'__index' chain too long" },
  { "a chunk nested too deeply", "error(select(2, load('return ' .. ('('):rep(300) .. '1')))", "C stack overflow" },
  { "unpack of too much", "table.unpack({}, 1, 1e7)", "too many results to unpack" },
  { "a yield outside", "coroutine.yield(1)", "attempt to yield from outside a coroutine" },
} do
  local what, code, shows = table.unpack(row)
  local files = { ["bad.lua"] = code }
  stock.same("-e fails with " .. what, { args = { "-e", code }, shows = shows, status = 1 })
  stock.same("a script fails with " .. what, { args = { "dir.x/bad.lua" }, shows = shows, status = 1,
    before = "mkdir -p dir.x; mv bad.lua dir.x;",
    files = { ["bad.lua"] = "-- a comment\n" .. code .. "\n" } })
  stock.same("a program on stdin fails with " .. what, { args = {}, stdin = code, shows = shows })
  stock.same("a module of -l fails with " .. what, { args = { "-l", "bad" }, files = { ["bad.lua"] = code },
    shows = shows, status = 1 })
end

local DEEP = [[
local M = {}
function M.inner(n) if n == 0 then error(M.what) end M.inner(n - 1) return n end
local function helper(...) M.inner(...) return 1 end
function M:method() helper(30) return 2 end
M.what = arg[1] or "deep"
function global_function() M:method() return 3 end
global_function()
]]
stock.table {
  { status = 1, "a traceback names functions, methods and fields", { "deep.lua" }, "in function 'global_function'",
    files = { ["deep.lua"] = DEEP } },
  { status = 1, "a traceback of many levels leaves out the middle", { "deep.lua" }, "...\t(skipping ",
    files = { ["deep.lua"] = DEEP } },
  { status = 1, "a traceback goes through a module", { "-e", "require 'deep'" }, "in function 'require'",
    files = { ["deep.lua"] = DEEP } },
  { status = 1, "a module of -l that is missing is an error, and nothing is run after it",
    { "-l", "no.such.module", "-e", "print('run')" },
    "no file '/usr/share/lua/5.4/no/such/module.lua'" },
  { status = 1, "a module of -l g=mod that is missing is an error", { "-l", "g=missing" },
    "module 'missing' not found" },
  { status = 1, "a module of -l that does not compile is an error", { "-l", "bad" },
    "error loading module 'bad' from file './bad.lua':",
    files = { ["bad.lua"] = "x = = 1" } },
  { status = 1, "the first -e that fails is the last thing run",
    { "-e", "error('stop')", "-e", "print('run')", "deep.lua" }, "stop" },
  { status = 1, "a script is not run after an -e that does not compile", { "-e", "x = = 1", "deep.lua" },
    "unexpected symbol near '='" },
  { status = 1, "the prompt is not shown after a script that fails", { "-i", "-e", "error('stop')" }, "stop" },
  { status = 1, "a script that is missing is an error", { "missing.lua" }, "lua: cannot open missing.lua" },
  { status = 1, "a script in a missing directory is an error", { "no/such.lua", "a" }, "lua: cannot open no/such.lua" },
  { status = 1, "a script that is a directory is an error", { "." }, "lua: cannot read ." },
  { status = 1, "a long line of code is cut short in messages", { "-e", "error('x') --" .. ("y"):rep(200) },
    "(command line):1: x" },
  { status = 1, "code before the error has run, its output comes",
    { "-e", "io.write('before ') print('that') error('x')" }, "before that" },
  { status = 1, "output that is not yet written comes behind the message",
    { "-e", "io.write('buffered') error('first')" },
    "[C]: in ?\nbuffered", redirect = "2>&1" },
}

stock.finish()
