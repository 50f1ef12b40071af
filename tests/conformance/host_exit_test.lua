-- How the program ends: statuses, os.exit, variables to be closed, finalizers and their order, warnings on the way.
package.path = arg[0]:match("^.*/") .. "?.lua;" .. package.path
local stock = require "stock"

local function noisy(...) -- code that makes names of objects that say when they are closed and collected
  local code = [[
function noisy(name) return setmetatable({}, { __close = function(_, e) print("close", name, e) end,
  __gc = function() print("gc", name) end }) end
]]
  return code .. table.concat({ ... }, "\n")
end

for _, row in ipairs {
  { "true", 0 }, { "false", 1 }, { "0", 0 }, { "1", 1 }, { "7", 7 }, { "3.0", 3 }, { "'9'", 9 }, { "255", 255 },
    { "256", 0 },
  { "-1", 255 }, { "nil", 0 }, { "", 0 },
} do
  local code, status = table.unpack(row)
  stock.same("os.exit(" .. code .. ") ends with status " .. status,
    { args = { "-e", "io.write('x') os.exit(" .. code .. ")" },
    shows = "x", status = status })
  stock.same("os.exit(" .. (code == "" and "nil" or code) .. ", true) ends with status " .. status, { args = { "-e",
    noisy("x = noisy('x') io.write('x') os.exit(" .. (code == "" and "nil" or code) .. ", true)") }, shows = "gc\tx",
      status = status })
end

stock.table {
  { "os.exit(1.5) is an error", { "-e", "os.exit(1.5)" }, "number has no integer representation", status = 1 },
  { "os.exit({}) is an error", { "-e", "os.exit({})" }, "bad argument #1 to 'exit'", status = 1 },
  { "os.exit without close runs no finalizers", { "-e", noisy "x = noisy('x') os.exit(0)" }, "" },
  { "os.exit with close runs variables' __close and finalizers",
    { "-e", noisy "local a <close> = noisy('a') x = noisy('x') os.exit(2, true)" },
    "close\ta", status = 2 },
  { "os.exit with close runs __close of callers, too", { "-e", noisy("local a <close> = noisy('a')",
    "local function f() local b <close> = noisy('b') os.exit(true, true) end pcall(f)") }, "close\tb" },
  { "os.exit with close leaves a coroutine's variables open", { "-e", noisy("local a <close> = noisy('a')",
    "f = coroutine.wrap(function() local b <close> = noisy('b') os.exit(true, true) end) keep = a f()") }, "gc\tb" },
  { "os.exit within a __gc at the end is obeyed", { "-e",
    "x = setmetatable({}, { __gc = function() os.exit(6) end })" }, "", status = 6 },
  { "os.exit within a __close is obeyed", { "-e",
    "local x <close> = setmetatable({}, { __close = function() os.exit(6) end }) error('x')" },
    "", status = 6 },
  { "os.exit in a coroutine is obeyed", { "-e", "coroutine.wrap(function() os.exit(8) end)()" }, "", status = 8 },
  { "os.exit in a hook is obeyed", { "-e", "debug.sethook(function() os.exit(9) end, 'l')\nlocal x = 1\nx = 2" }, "",
    status = 9 },
  { "os.exit in -e skips the script", { "-e", "os.exit(3)", "missing.lua" }, "", status = 3 },
  { "os.exit in a script skips the prompt", { "-i", "-e", "os.exit(3)" }, "Lua 5.4", status = 3 },
  { "os.exit in a module of -l is obeyed", { "-l", "m" }, "", status = 4, files = { ["m.lua"] = "os.exit(4)" } },
  { "os.exit writes what is buffered", { "-e", "io.stdout:setvbuf('full') io.write('buffered') os.exit(0)" },
    "buffered" },
  { "os.exit closes files that are open", { "-e", "f = io.open('out.txt', 'w') f:write('text') os.exit(0)" }, "", },
  { "a file left open is written at the end", { "-e", "f = io.open('out.txt', 'w') f:write('all ') f:write('of it')",
    "show.lua" }, "nothing yet",
    files = { ["show.lua"] = "io.write(#io.open('out.txt'):read('a') == 0 and 'nothing yet' or 'already')" } },
  { "a pipe left open is waited for at the end", { "-e", "p = io.popen('cat; echo done', 'w') p:write('text ')" },
    "text done" },
  { "finalizers run in the reverse order of marking", { "-e", noisy "for i = 1, 5 do _G['x' .. i] = noisy(i) end" },
    "gc\t5\ngc\t4" },
  { "finalizers run after the script's variables are closed",
    { "-e", noisy "local a <close> = noisy('a') keep = a x = noisy('x')" }, "close\ta\tnil\ngc\tx" },
  { "finalizers see the globals", { "-e",
    "x = setmetatable({}, { __gc = function() print(type(_G), y) end }) y = 'here'" }, "table\there" },
  { "finalizers may make new objects with finalizers, which do not run any more", { "-e",
    noisy "x = setmetatable({}, { __gc = function() print('outer') y = noisy('inner') end })" }, "outer" },
  { "finalizers run after an error, too", { "-e", noisy "x = noisy('x') error('bad')" }, "gc\tx", status = 1 },
  { "finalizers run at every collection asked for", { "-e", noisy "noisy('now') collectgarbage() print('then')" },
    "gc\tnow\nthen" },
  { "finalizers cannot yield", { "-e",
    "coroutine.wrap(function() setmetatable({}, { __gc = function() print(pcall(coroutine.yield)) end })\n" ..
    "collectgarbage() end)()" },
    "attempt to yield across a C-call boundary" },
  { "an error in a finalizer is a warning", { "-W", "-e",
    "x = setmetatable({}, { __gc = function() error('in gc') end })" },
    "Lua warning: error in __gc" },
  { "an error in a finalizer is nothing without -W", { "-e",
    "x = setmetatable({}, { __gc = function() error('in gc') end })" }, "" },
  { "an error in a finalizer lets the others run", { "-W", "-e",
    noisy "a = noisy('a') x = setmetatable({}, { __gc = function() error({}) end }) b = noisy('b')" },
      "error object is not a string" },
  { "an error in a finalizer during the run is a warning", { "-W", "-e",
    "setmetatable({}, { __gc = function() error('in gc') end }) collectgarbage() print('on')" },
      "Lua warning: error in __gc" },
  { "an error in __gc of the last state does not change the status",
    { "-e", "x = setmetatable({}, { __gc = function() error('x') end })" }, "" },
  { "a variable of the main chunk is closed at its end", { "s.lua" }, "body\nclose\ta",
    files = { ["s.lua"] = noisy "local a <close> = noisy('a') print('body')" } },
  { "a variable of the main chunk is closed with its error", { "s.lua" }, "close\ta\ts.lua:3: bad", status = 1,
    files = { ["s.lua"] = noisy "local a <close> = noisy('a') error('bad')" } },
  { "variables of the main chunk are closed last first", { "s.lua" }, "close\tc\tnil\nclose\ta", files = { ["s.lua"] =
    noisy "local a <close> = noisy('a') local b <const> = 1 local c <close> = noisy('c')" } },
  { "variables of each -e are closed before the next", { "-e", noisy "local a <close> = noisy('a') keep = a",
    "-e", "print('second')" }, "close\ta\tnil\nsecond" },
  { "variables of a coroutine left suspended are not closed", { "-e",
    noisy "co = coroutine.create(function() local a <close> = noisy('a') coroutine.yield() end) coroutine.resume(co)" },
    "gc\ta" },
  { "coroutine.close runs them", { "-e",
    noisy("co = coroutine.create(function() keep = noisy('a') local a <close> = keep coroutine.yield() end)",
    "coroutine.resume(co) print(coroutine.close(co)) print(coroutine.status(co))") }, "close\ta\tnil\ntrue\ndead" },
  { "coroutine.close passes on an error of theirs", { "-e", "co = coroutine.create(function() local a <close> = " ..
    "setmetatable({}, { __close = function() error('in close', 0) end }) coroutine.yield() end)\n" ..
    "coroutine.resume(co) print(coroutine.close(co))" },
    "false\tin close" },
  { "weak tables are cleared as ever", { "-e",
    "w = setmetatable({ {}, 'text', {} }, { __mode = 'v' }) collectgarbage() print(w[1], w[2], w[3])" },
    "nil\ttext\tnil" },
  { "warn without arguments is an error", { "-e", "warn()" }, "bad argument #1 to 'warn'", status = 1 },
  { "warn wants strings", { "-W", "-e", "warn('x', {})" }, "bad argument #2 to 'warn'", status = 1 },
  { "warn joins its arguments", { "-W", "-e", "warn('a', 1, 'b')" }, "Lua warning: a1b\n" },
  { "warn takes @on and @off", { "-e",
    "warn('no') warn('@on') warn('yes') warn('@off') warn('no more') warn('@on') warn('again')" },
    "Lua warning: again" },
  { "warn ignores other messages with an @", { "-W", "-e", "warn('@what') warn('@') warn('seen')" },
    "Lua warning: seen\n" },
  { "warn takes @ for a message when it is one of many", { "-W", "-e",
    "warn('@off', '') warn('@', 'off') warn('still')" }, "Lua warning: @off\n" },
  { "warn takes @on for a message when it is the end of one", { "-W", "-e", "warn('x', '@off') warn('still')" },
    "Lua warning: x@off\n" },
  { "warn that is off takes @on at the end of a message", { "-e", "warn('x', '@on') warn('seen')" },
    "Lua warning: seen" },
  { "warn writes an empty message", { "-W", "-e", "warn('')" }, "Lua warning: \n" },
  { "warn writes each message at once", { "-W", "-e", "io.write('out') warn('w')" }, "Lua warning: w\nout",
    redirect = "2>&1" },
  { "warn works in coroutines and finalizers", { "-W", "-e",
    "coroutine.wrap(warn)('in co') x = setmetatable({}, { __gc = function() warn('in gc') end })" },
      "Lua warning: in co\nLua warning: in gc" },
  { "a signal ends the program", { "-e",
    "print('alive') os.execute('kill -s TERM ' .. io.open('/proc/self/stat'):read('n'))" }, "alive",
    status = 128 + 15 },
}

stock.finish()
