-- random.lua SEED STEPS: random calls of io, os and file methods, right and wrong ones, in a folder of its own; all that comes back is
-- printed. lua5.4 and gilua must print the same.
local common = require "common"
local random, pick = common.generator(tonumber(arg[1]) or 1)

local function show(value, depth)
  if type(value) == "string" then return common.quote(value) end
  if math.type(value) then return math.type(value) .. ":" .. tostring(value) end
  if type(value) == "userdata" then return (tostring(value):gsub("0x%x+", "ADDRESS")) end
  if type(value) ~= "table" or (depth or 0) > 1 then return (tostring(value):gsub(": .*", "")) end
  return common.fields(value, function(v) return show(v, (depth or 0) + 1) end)
end

local out, step = io.stdout, 0 -- io.output changes
local write = common.reporter(show, out)
local function report(what, ...) write(step, what, ...) end

local NAMES = { "a", "b", "c", "folder", "folder/d", "none/e", "" } -- in this folder only: some are removed and renamed
local TEXTS = { "first line\nsecond\n\n0x1F -7.5e2 12abc\n  .5 +3 0x.8p1 nan\nlast without end", "", "a\0b\nc\0d", "1 2 3\n4 5 6\n", ("0123456789"):rep(500),
  "\r\n\r\n", "\n", "inf 0x 1e+ 1e5e 0x1p-2 -0 99999999999999999999 " }
os.execute("mkdir -p folder")
for i = 1, 3 do
  local f = io.open(NAMES[i], "w")
  f:write(TEXTS[i])
  f:close()
end

-- None is collected: that would write what it has pending at some time.
local PLACES, files, anchor = 6, {}, {}
local function place() return random(PLACES) end
local function keep(f)
  if not io.type(f) then return end
  local i = place()
  if files[i] ~= f and io.type(files[i]) == "file" then files[i]:close() end
  files[i], anchor[#anchor + 1] = f, f
end

local modes = { "r", "w", "a", "r+", "w+", "a+", "rb", "wb", "r+b", "rw", "x", "", "rbx", "b" }
local formats = { "n", "l", "L", "a", "*n", "*l", "*L", "*a", "*", "x", "", 0, 1, 5, 100, -1, 2.5, 3.0, "number", 1 << 40 }
local constants = { true, false, -1, 0, 1, 2, 7, 2.5, "1", "x", "", "line\nrest", ("y"):rep(70), "set", "cur", "end", "no", "full", "line", 1e15, {},
  print, "%d", "a", "none/e", 1 / 0 }
local function argument()
  local turn = random(10)
  if turn == 1 then return nil end
  if turn == 2 then return files[place()] end
  if turn < 5 then return pick(formats) end
  if turn == 5 then return pick(NAMES) end
  return pick(constants)
end
local function arguments(least, most)
  local list = { n = random(least or 0, most or 3) }
  for i = 1, list.n do list[i] = argument() end
  return list
end

-- Reading so much at once takes memory that need not be there; and nothing reads the standard streams, nor closes them.
local function is_fine(args)
  for i = 1, args.n do
    if math.type(args[i]) and args[i] > 1e6 or args[i] == io.stdout or args[i] == io.stderr then return false end
  end
  return true
end

local callers = {}
local function caller(code)
  callers[code] = callers[code] or load("return function(o, ...) return o" .. code .. "(...) end", "=call")()
  return callers[code]
end

local function call(what, f, o, args)
  if not is_fine(args) then return end
  local results = table.pack(pcall(f, o, table.unpack(args, 1, args.n)))
  report(what .. show(args), table.unpack(results, 1, results.n))
  for i = 2, results.n do keep(results[i]) end
  return table.unpack(results, 1, results.n)
end

local function method(f, name, args)
  local style = random(6)
  if style == 1 then
    local saved = f[name]
    call(show(f) .. "." .. name, function(o, ...) return saved(o, ...) end, f, args)
  elseif style == 2 then call(show(f) .. "?" .. name, f[name], f, args)
  else call(show(f) .. ":" .. name, caller(":" .. name), f, args) end
end

local actions = {}

function actions.open()
  local args = random(6) == 1 and arguments() or { pick(NAMES), random(4) > 1 and pick(modes) or nil, n = 2 }
  call("io.open", caller ".open", io, args)
end
actions.open2 = actions.open

function actions.read()
  local f = files[place()]
  if f == nil then return end
  local args = { n = random(0, 3) }
  for i = 1, args.n do args[i] = random(12) == 1 and argument() or pick(formats) end
  method(f, "read", args)
end
actions.read2, actions.read3, actions.read4 = actions.read, actions.read, actions.read

function actions.write()
  local f = files[place()]
  if f == nil then return end
  local args = { n = random(0, 3) }
  for i = 1, args.n do args[i] = random(8) == 1 and argument() or pick { pick(TEXTS), "w", 12, -0.0, 1e100, 7 // 0.0, math.mininteger } end
  method(f, "write", args)
end
actions.write2 = actions.write

function actions.seek()
  local f = files[place()]
  if f == nil then return end
  method(f, "seek", random(5) == 1 and arguments() or { pick { "set", "cur", "end" }, pick { 0, 1, -1, 5, 30, 2.0 }, n = random(0, 2) })
end
actions.seek2 = actions.seek

function actions.setvbuf()
  local f = files[place()]
  if f == nil then return end
  method(f, "setvbuf", random(4) == 1 and arguments() or { pick { "no", "full", "line" }, pick { 0, 1, 16, 4096 }, n = random(2) })
end

function actions.other()
  local f = files[place()]
  if f == nil then return end
  method(f, pick { "flush", "close", "close", "nothing", "__tostring" }, arguments(0, 1))
end

function actions.lines()
  local f = files[place()]
  if f == nil then return end
  local args = { n = random(0, 2) }
  for i = 1, args.n do args[i] = pick(formats) end
  if not is_fine(args) then return end
  local fine, iterate = pcall(caller ":lines", f, table.unpack(args, 1, args.n))
  report("lines" .. show(args), fine, fine or iterate)
  for _ = 1, fine and random(4) or 0 do report("next", pcall(iterate)) end
end

function actions.io_lines()
  local args = random(5) == 1 and arguments(1, 3) or { pick(NAMES), pick(formats), n = random(2) }
  if not is_fine(args) then return end
  local results = table.pack(pcall(caller ".lines", io, table.unpack(args, 1, args.n)))
  report("io.lines" .. show(args), results[1], results.n, results[1] or results[2], io.type(results[5]))
  for _ = 1, results[1] and random(4) or 0 do report("next", pcall(results[2])) end
  if io.type(results[5]) == "file" then results[5]:close() end
end

-- The default files are those of this program's own.
function actions.defaults()
  local turn = random(5)
  if turn == 1 then call("io.input", caller ".input", io, { pick { "a", "b", "none/e" }, n = 1 }) end
  if turn == 2 then call("io.output", caller ".output", io, { pick { "b", "c" }, n = 1 }) end
  if io.input() ~= io.stdin and turn == 3 then call("io.read", caller ".read", io, { pick(formats), pick(formats), n = random(0, 2) }) end
  if io.output() ~= io.stdout and turn == 4 then call("io.write", caller ".write", io, arguments(0, 2)) end
  if io.output() ~= io.stdout and turn == 5 then call("io.close", caller ".close", io, { n = 0 }) end
end

function actions.type()
  call("io.type", caller ".type", io, arguments(0, 2))
end

-- Where lua5.4 takes what closing a pipe has left in errno for the outcome of its command, both say only that it failed.
local probe = io.popen [[lua5.4 -e "local p = io.popen 'echo x; exit 3' p:read(1) print((select(2, p:close())))"]]
local errno_is_outcome = probe:read "l" ~= "exit"
probe:close()
local function outcome(fine, ok, ...)
  if errno_is_outcome and fine and not ok then return fine, ok end
  return fine, ok, ...
end

function actions.popen()
  local mode = pick { "r", "w", false, "rw", "x" } or nil
  local command = mode == "w" and "cat >/dev/null; exit 2" or pick { "echo out; exit 3", "cat a", "exit 0", "kill -9 $$", "printf 'x\\ny'" }
  local args = { command, mode, n = 2 }
  local fine, p = pcall(caller ".popen", io, table.unpack(args, 1, 2))
  report("io.popen" .. show(args), fine, io.type(p) or p)
  if not fine or io.type(p) ~= "file" then return end
  if args[2] == "w" then report("write", p:write("something\n") == p) else report("read", p:read(pick { "a", "l", 3 })) end
  if random(6) > 1 then report("close", outcome(pcall(caller ":close", p))) else keep(p) end
end

function actions.os()
  local name = pick { "remove", "rename", "getenv", "time", "date", "difftime", "setlocale", "execute", "exit?", "tmpname" }
  if name == "remove" then call("os.remove", caller ".remove", os, random(3) == 1 and arguments(0, 1) or { pick { "none/e", "folder", "folder/d", "" }, n = 1 })
  elseif name == "rename" then call("os.rename", caller ".rename", os, random(3) == 1 and arguments(0, 2) or { pick { "folder/d", "none/e" }, pick { "c", "none/e" }, n = 2 })
  elseif name == "getenv" then call("os.getenv", caller ".getenv", os, random(3) == 1 and arguments(0, 1) or { pick { "TZ", "NO_SUCH_NAME", "" }, n = 1 })
  elseif name == "time" then
    call("os.time", caller ".time", os, { pick { { year = 2020, month = random(-3, 15), day = random(-3, 40), hour = random(0, 30) }, { year = 2020 },
      { year = "x", month = 1, day = 1 }, { year = 2020, month = 1.5, day = 1 }, 5, { year = 1 << 40, month = 1, day = 1 },
      { year = 2021, month = "2", day = 3, isdst = true } }, n = 1 })
  elseif name == "date" then
    call("os.date", caller ".date", os, { pick { "!%Y-%m-%d %H:%M:%S", "!*t", "*t", "!%c", "%Ez", "%Q", "!%x %X %p %j", "", "%", "%E", "!%Ey %Od" },
      pick { 0, 1e9, 86400.0, -1, 2.5, "100", 1 << 60, "x" }, n = 2 })
  elseif name == "difftime" then call("os.difftime", caller ".difftime", os, { pick { 5, 2.5, "7", nil, {} }, pick { 3, nil, "x" }, n = random(2) })
  elseif name == "setlocale" then call("os.setlocale", caller ".setlocale", os, { pick { "C", "", nil, "no_SUCH" }, pick { "all", "numeric", "x" }, n = random(2) })
  elseif name == "execute" then call("os.execute", caller ".execute", os, { pick { "exit 3", "true", "kill -15 $$", "exit 300", "no_such_command 2>/dev/null", false },
    n = random(0, 5) > 0 and 1 or 0 }) end
end
actions.os2 = actions.os

-- What is left in the files is shown from time to time.
function actions.look()
  for i = 1, 3 do
    local f = io.open(NAMES[i])
    report("contents of " .. NAMES[i], f and #f:read("a"))
    if f then f:close() end
  end
end

for number = 1, tonumber(arg[2]) or 300 do
  step = number
  common.run(actions, pick, 1)
end
for _, f in pairs(files) do report("left", pcall(f.close, f)) end
step = "end"
actions.look()
