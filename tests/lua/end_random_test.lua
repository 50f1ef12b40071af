-- Random programs, by a seed, that end in every way while their threads are in every state: each ends within its time, with the status
-- that its end promises, with its output written, and with the main script's <close> variables run where they are to be.
local t = require "testing"

local SEED, PROGRAMS, AT_ONCE, LIMIT = tonumber(os.getenv "END_SEED") or 11, t.hostile and 10 or 40, 4, 200

local prologue = [[
local threading, time, queue, futures = require "gilua.threading", require "gilua.time", require "gilua.queue", require "gilua.futures"
local native, ctypes = require "gilua.native", require "gilua.ctypes"
local usleep = ctypes.load():func("usleep", "int", {"unsigned int"}, {release = true})
local qsort = ctypes.load():func("qsort", "void", {"void*", "size_t", "size_t", "void*"})
local function in_callback(f)
  local compare = ctypes.callback(function(a, b) f() return a[1] - b[1] end, "int", {"int*", "int*"})
  qsort(ctypes.new("int", {3, 1}), 2, 4, compare)
end
local lock, pool = threading.Lock(), nil
threading.excepthook = function() end
io.write("output")
]]

-- What a thread may be in as the program ends.
local states = {
  "time.sleep(1000)",
  "while true do end",
  "while true do pcall(function() while true do end end) end",
  "lock:acquire() lock:acquire()",
  "threading.Event():wait(1000)",
  "queue.Queue():get()",
  "threading.Barrier(2):wait()",
  "local c = threading.Condition() c:acquire() c:wait()",
  "threading.Timer(1000, print):start():join()",
  "while true do native.spin(0.02) end",
  "usleep(200000)",
  "in_callback(function() time.sleep(1000) end)",
  "in_callback(function() while true do end end)",
  "threading.main_thread():join()",
  "while true do pcall(function() threading.start(function() end):join() end) end",
  "for _ = 1, 20 do threading.Thread{daemon = true, target = time.sleep, args = {1000}}:start() end time.sleep(1000)",
  "while true do setmetatable({}, {__gc = function() for _ = 1, 1000 do end end}) collectgarbage('step') end",
  "local _ <close> = setmetatable({}, {__close = function() time.sleep(0.05) end}) time.sleep(1000)",
  "local _ <close> = setmetatable({}, {__close = function() error 'in close' end}) time.sleep(1000)",
  "local _ <close> = setmetatable({}, {__close = function() pcall(time.sleep, 1000) while true do end end}) time.sleep(1000)",
  "coroutine.wrap(function() coroutine.wrap(function() time.sleep(1000) end)() end)()",
  "package.preload.slow = function() time.sleep(1000) end require 'slow'",
  "io.popen('exec sleep 3'):read('a')",
  "os.execute('exec sleep 3')",
  "",
  "error 'of a thread'",
}

-- {how the main thread ends, status, does it run <close> variables of the main script}; `ends` ones wait for other threads.
local ends = {
  { "", 0, true, ends = true },
  { "error 'boom'", 1, true, ends = true },
  { "error(setmetatable({}, {__tostring = function() return 'boom' end}))", 1, true, ends = true },
  { "os.exit(7)", 7, false },
  { "os.exit(7, true)", 7, true },
  { "os.exit(false, true)", 1, true },
  { "threading.Thread{daemon = true, target = os.exit, args = {7}}:start() time.sleep(100)", 7, false },
  { "threading.start(os.exit, 7, true) time.sleep(100)", 7, false },
  { "threading.start(os.exit, 7)", 7, false },
  { "threading.start(function() for _ = 1, 1000 do end os.exit(7, true) end) while true do end", 7, false },
  { "coroutine.wrap(function() coroutine.wrap(function() os.exit(7, true) end)() end)()", 7, false },
  { "threading.start(function() coroutine.wrap(function() os.exit(7, true) end)() end):join()", 7, false },
  { "setmetatable({}, {__gc = function() os.exit(7) end}) collectgarbage()", 7, false },
  { "threading.start(function() setmetatable({}, {__gc = function() os.exit(7) end}) collectgarbage() end):join()", 7, false },
  { "local _ <close> = setmetatable({}, {__close = function() os.exit(7, true) end})", 7, false },
  { "in_callback(function() os.exit(7) end)", 7, false },
  { "threading.start(in_callback, function() os.exit(7, true) end):join()", 7, false },
  { "threading.Timer(0.01, os.exit, {7}):start()", 7, false },
  { "pool = futures.ThreadPoolExecutor(1) pool:submit(os.exit, 7) time.sleep(100)", 7, false },
  { "local f = futures.Future() f:add_done_callback(function() os.exit(7) end) f:set_result() time.sleep(100)", 7, false },
  { "for i = 1, 5 do threading.start(os.exit, 7, i % 2 == 0) end time.sleep(100)", 7, false },
  { "debug.sethook(function() os.exit(7) end, '', 100) while true do end", 7, false },
  { "xpcall(error, function() os.exit(7, true) end)", 7, false },
  { "threading.Barrier(1, function() os.exit(7) end):wait()", 7, false },
  { "threading.Lock():with(os.exit, 7, true)", 7, false },
  { "ctypes.load():func('raise', 'int', {'int'})(2) time.sleep(1000)", 1, true, ends = true },
  { "ctypes.load():func('raise', 'int', {'int'})(15) time.sleep(1000)", 128 + 15, false, killed = true },
}

local function random_of(state)
  return function(n)
    state = state * 6364136223846793005 + 1442695040888963407
    return 1 + (state >> 33) % n
  end
end

-- Returns the text of a program, and how it ends.
local function new_program(random)
  local how = ends[random(#ends)]
  local lines = { prologue }
  for _ = 2, random(5) do
    local daemon = how.ends or random(4) > 1
    lines[#lines + 1] = ("threading.Thread{daemon = %s, target = function() %s end}:start()"):format(daemon, states[random(#states)])
  end
  lines[#lines + 1] = "local outer <close> = setmetatable({}, {__close = function() io.write(' closed') end})"
  lines[#lines + 1] = ({ "", "time.sleep(0.001)", "time.sleep(0.03)" })[random(3)]
  lines[#lines + 1] = how[1]
  return table.concat(lines, "\n"), how
end

-- Runs one; what is wrong with it, or nil.
local function wrong_with(seed)
  local random = random_of(seed)
  local text, how = new_program(random)
  local policy = ({ "fair", "interval", "ticks" })[random(3)]
  local out, status = t.run({ "--policy", policy, "-e", text }, { before = ("timeout -s KILL %d "):format(LIMIT), stderr = "2>/dev/null" })
  local wrong
  if status ~= how[2] then wrong = "ends with status " .. status
  elseif not how.killed and not out:find("^output") then wrong = "has lost its output"
  elseif how[3] and not out:find("closed", 1, true) then wrong = "has not run its <close> variable" end
  return wrong and ("program %d (policy %s) %s:\n%s"):format(seed, policy, wrong, text)
end

t.test("random programs end in time and as they say, whatever their threads do", function()
  local next_one, wrong = SEED * 1000, {}
  t.limit = 3 * LIMIT
  t.join(t.start(AT_ONCE, function()
    while next_one < SEED * 1000 + PROGRAMS do
      next_one = next_one + 1
      wrong[#wrong + 1] = wrong_with(next_one)
    end
  end))
  t.equal(table.concat(wrong, "\n"), "")
end)

t.finish()
