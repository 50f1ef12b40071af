-- random.lua SEED STEPS: random calls of coroutine, string, table, math and utf8, and errors through nested functions, right and wrong
-- ones; all that comes back is printed. lua5.4 and gilua must print the same.
local common = require "common"
local random, pick = common.generator(tonumber(arg[1]) or 1)

local function show(value)
  if type(value) == "string" then return common.quote(value) end
  if math.type(value) then return math.type(value) .. ":" .. tostring(value) end
  if type(value) == "table" and not getmetatable(value) then return "table of " .. #value end
  if type(value) == "boolean" or value == nil then return tostring(value) end
  return type(value)
end
local report = common.reporter(show, io.stdout)

-- Few and small, so that no call takes much time or memory.
local VALUES = { true, false, 0, 1, -1, 2, 3, 7.5, -0.0, 2^53, 1 / 0, "", "abc", "1", "0x10", "a.b", "%a+", "(b)", "[", "%", "%d", "%5.1f",
  "\u{7FF}é", "\xff", "<i4", math.maxinteger, math.mininteger, print, "%q", "n", "S" }
local function argument()
  local turn = random(8)
  if turn == 1 then return nil end
  if turn == 2 then return { 3, 1, 2 } end
  return pick(VALUES)
end

local NAMES = { string = { "byte", "char", "find", "format", "gmatch", "gsub", "len", "lower", "match", "pack", "packsize", "reverse", "sub",
  "unpack", "upper" }, table = { "insert", "remove", "sort", "pack" }, utf8 = { "char", "codepoint", "codes", "len", "offset" },
  math = { "abs", "ceil", "floor", "fmod", "max", "min", "modf", "sqrt", "tointeger", "type", "ult" },
  coroutine = { "close", "create", "isyieldable", "resume", "status", "wrap" } }
local LIBRARIES = { "string", "table", "utf8", "math", "coroutine" }
local actions = {}

function actions.call(step)
  local library = pick(LIBRARIES)
  local name, args = pick(NAMES[library]), { n = random(4) - 1 }
  for i = 1, args.n do args[i] = argument() end
  local call = load(("return function(...) return %s.%s(...) end"):format(library, name), "=call")()
  report(step, library .. "." .. name, pcall(call, table.unpack(args, 1, args.n)))
end
actions.call2, actions.call3 = actions.call, actions.call

-- What a body does, in random order: yields (also across pcall), errors, variables to close, nested coroutines.
local function body(depth, step)
  local pending <close> = setmetatable({}, { __close = function(_, e) report(step, "close", e, coroutine.isyieldable()) end })
  for _ = 1, random(3) do
    local turn = random(8)
    if turn == 1 then report(step, "yielded", coroutine.yield(depth, argument()))
    elseif turn == 2 then report(step, "pcall", pcall(function() return coroutine.yield("inside") end))
    elseif turn == 3 then error(argument(), random(4) - 1)
    elseif turn == 4 then local t = argument(); return t.field.deeper
    elseif turn == 5 and depth < 4 then report(step, "nested", pcall(body, depth + 1, step))
    elseif turn == 6 and depth < 4 then report(step, "wrapped", pcall(coroutine.wrap(body), depth + 1, step))
    elseif turn == 7 then report(step, "closes itself", pcall(coroutine.close, (coroutine.running())))
    else report(step, "main", select(2, coroutine.running()), coroutine.isyieldable()) end
  end
  return depth
end

function actions.coroutine(step)
  local co = coroutine.create(body)
  for _ = 1, random(5) do
    report(step, "resume", coroutine.resume(co, 1, step))
    report(step, "status", coroutine.status(co), (debug.traceback(co, "trace"):gsub("0x%x+", "ADDRESS")))
  end
  report(step, "closed", pcall(coroutine.close, co))
  report(step, "status", coroutine.status(co))
end
actions.coroutine2 = actions.coroutine

function actions.errors(step)
  local object = setmetatable({}, { __tostring = function() return "an object" end })
  local handler = pick { debug.traceback, tostring, function(e) return type(e) end, function(e) error(e) end }
  local raise = pick { function() error(object) end, function() error("text", 2) end, function() return nil + 1 end,
    function() return #5 end, function() return {} < {} end, function() return ("x"):rep(-1):bad() end, function() string.rep() end }
  local fine, e = xpcall(function() local function inner() raise() end inner() end, handler)
  report(step, "xpcall", fine, e)
end

common.run(actions, pick, tonumber(arg[2]) or 300)
