-- Calls public functions and methods with anything: numbers of every kind, texts, functions that raise, tables of options,
-- objects that earlier calls made. usage: monkey.lua SEED CALLS; prints what it calls, which calls did not end when they
-- were cancelled, and "finished" at last. monkey_stress.lua runs it.
local seed, calls = tonumber(arg[1]), tonumber(arg[2])
local threading = require "gilua.threading"
local random = math.random
math.randomseed(seed)

local MODULES = { "gilua", "gilua.threading", "gilua.queue", "gilua.time", "gilua.futures", "gilua.multiprocessing", "gilua.pickle",
  "gilua.gil", "gilua.native", "gilua.ctypes", "gilua.socket", "gilua.signal", "gilua.schedule", "coroutine", "string", "table", "utf8" }

-- What uses memory by its number, ends the process, waits for a person or for a signal, or touches everybody's files.
local LEFT_OUT = {}
for name in ([[exit kill raise_signal alarm pause setitimer signal stack_size rep wrap dump_on __gc
    copy fill addressof string_at cast ptr load func callback func_at
    popen execute remove rename tmpname open read lines input output]]):gmatch "%S+" do LEFT_OUT[name] = true end

local functions, path_of = {}, {}
local function add(path, f)
  if type(f) ~= "function" or path_of[f] or LEFT_OUT[path:match "[^.:]+$"] then return end
  path_of[f] = path
  functions[#functions + 1] = f
end

-- In an order that a seed repeats.
local function add_all(of, where)
  local names = {}
  for name in pairs(of) do names[#names + 1] = tostring(name) end
  table.sort(names)
  for _, name in ipairs(names) do add(where .. name, of[name]) end
end

for _, module in ipairs(MODULES) do add_all(require(module), module .. ".") end

-- Objects that calls gave; their methods, and what only gilua calls, are called like all others.
local objects = {}
local function keep(v)
  local meta = debug.getmetatable(v)
  if type(v) ~= "thread" and not ((type(v) == "userdata" or type(v) == "table") and meta) then return end
  objects[#objects < 60 and #objects + 1 or random(60)] = v
  local kind, index = meta and tostring(rawget(meta, "__name")), meta and rawget(meta, "__index")
  if type(index) == "table" then add_all(index, kind .. ":") end
  if meta then add_all(meta, kind .. ":") end
end

local FIELDS = {}
for name in ([[max_workers timeout name daemon target args initializer initargs chunksize start_method context key block maxsize
    task_timeout memory_limit max_tasks_per_child host port level threads bytes servers queue max_pending preload]]):gmatch "%S+" do
  FIELDS[#FIELDS + 1] = name
end

local value
local PLAIN = { false, true, 0, 1, 2, 5, -1, 100, 0.5, -0.25, 0.001, 2 ^ 53, 1e300, math.huge, -math.huge, 0 / 0, math.maxinteger,
  math.mininteger, "", "abc", "10", "a\0b", "i64", "f64", "u8", "*l", "127.0.0.1", "localhost", ("x"):rep(5000), math.abs, tostring,
  io.stdin, io.stderr }
local MAKERS = {
  function() return nil end,
  function() return function(...) return ... end end,
  function() return function() error("boom", 0) end end,
  function() return function() error {} end end,
  function() return coroutine.create(function() end) end,
  function() return setmetatable({}, { __index = function(_, k) return k end }) end,
  function() return setmetatable({}, { __call = function(_, x) return x end }) end,
  function() return { FIELDS[random(#FIELDS)], [FIELDS[random(#FIELDS)]] = value() } end,
  function() return { [FIELDS[random(#FIELDS)]] = value(), [FIELDS[random(#FIELDS)]] = value() } end,
  function() return { value(), value(), value() } end,
}
local depth = 0
function value()
  local kind, v = random(), nil
  depth = depth + 1
  if kind < 0.4 and #objects > 0 then v = objects[random(#objects)]
  elseif kind < 0.75 or depth > 3 then v = PLAIN[random(#PLAIN)]
  else v = MAKERS[random(#MAKERS)]() end
  depth = depth - 1
  return v
end

-- A method is mostly called on an object of its kind.
local function arguments(f)
  local args, kind = table.pack(), path_of[f]:match "^(.*):"
  args.n = random(0, 4)
  for i = 1, args.n do args[i] = value() end
  for _ = 1, kind and #objects > 0 and 20 or 0 do
    local object = objects[random(#objects)]
    local meta = debug.getmetatable(object)
    if meta and rawget(meta, "__name") == kind then
      args[1], args.n = object, math.max(args.n, 1)
      break
    end
  end
  return args
end

local function call(f)
  local args, results = arguments(f), nil
  local thread = threading.start(function() results = table.pack(pcall(f, table.unpack(args, 1, args.n))) end)
  if not thread:join(0.3) then
    thread:cancel()
    if not thread:join(60) then print("it does not end: " .. path_of[f], tostring(thread.waits_for)) end
  end
  for i = 2, results and results[1] and results.n or 0 do keep(results[i]) end
end

threading.excepthook = function() end -- threads that calls start fail as they like
io.stdout:setvbuf "line" -- a crash leaves the name of what was called
for _ = 1, calls do
  local f = functions[random(#functions)]
  print(path_of[f])
  call(f)
  if random(100) == 1 then collectgarbage() end
  if random(50) == 1 then objects = {} end
end
print "finished"
os.exit(true)
