-- What Lua tests share: running and counting them, gates, checks for what a test left behind.
--
--   local t = require "testing"
--   t.test("a sentence that says what holds", function() … end)
--   t.finish()
--
-- It loads no module of gilua before a test needs it: what a test requires itself must be enough for the test.
local t = { passed = 0, failed = 0, limit = 120 }

t.version = _VERSION:match "%d%.%d"
t.stock = "lua" .. t.version -- the program to compare with

-- Ends a file whose tests have nothing to ask here, and says why.
function t.leave_out(why)
  print("# left out: " .. why)
  os.exit(true, true)
end

-- Does so where another Lua than 5.4 has no such module: Debian's are for 5.4.
function t.needs(module)
  if t.version ~= "5.4" and not pcall(require, module) then t.leave_out("no module '" .. module .. "' for Lua " .. t.version) end
end

-- Sets the collector's pause, in percent; returns what it was.
function t.pause(percent)
  if t.version == "5.4" then return collectgarbage("setpause", percent) end
  return collectgarbage("param", "pause", percent)
end

-- Likewise its speed.
function t.pace(percent)
  if t.version == "5.4" then return collectgarbage("setstepmul", percent) end
  return collectgarbage("param", "stepmul", percent)
end

-- The hostile build collects without a pause; there every instruction is preempted, and all takes a hundred times as long.
local pause = t.pause(200)
t.pause(pause)
t.hostile = pause < 10

t.places = t.hostile and 12 or 40 -- how far t.at_each_place goes

-- There, and under ThreadSanitizer, a count hook takes the place of signals.
local maps_file <close> = io.open("/proc/self/maps")
local maps = maps_file and maps_file:read("a") or ""
t.tsan = maps:find("libtsan", 1, true) ~= nil
t.polls = t.hostile or t.tsan
t.chosen = os.time() < 1100000000 -- a schedule chooses who runs, at any instruction: there it is 2001

local function open_files()
  local n = 0
  local p = io.popen("ls /proc/self/fd 2>/dev/null | wc -l") -- counts its own pipe, always alike
  n = p:read("n")
  p:close()
  return n
end

-- What the program has of the system: descriptors, threads, processes, mappings of shared memory; resident KiB.
local holdings = {
  descriptors = "ls /proc/$PPID/fd | wc -l", -- with the pipe to this command
  threads = "ls /proc/$PPID/task | wc -l",
  processes = "ps -o stat= --ppid $PPID | grep -vc Z || :", -- with this command
  ["shared mappings"] = "grep -Ec ' (/dev/zero|/memfd:|/dev/shm)' /proc/$PPID/maps || :",
  resident = "awk '/VmRSS/ { print $2 }' /proc/$PPID/status",
}

-- How much more there may be when the tests of a file are over, and why. A file that needs more says so in t.may_keep.
t.may_keep = {
  descriptors = 2, -- the main thread's eventfd, made at its first wait; what goes with the mapping below
  threads = 1, -- the nudger, made when it is first needed
  processes = 0,
  ["shared mappings"] = 1, -- what processes share, made with the first lock or queue between them
  resident = 128 * 1024, -- the C library's arenas and stacks for threads to come
}

-- Sanitizers keep what was freed, and shadows of it.
if maps:find("lib[at]san") then t.may_keep.resident = math.huge end

local function held(what)
  local p <close> = io.popen(holdings[what])
  return p:read("n")
end

t.may_visit = 0 -- threads of C code's own that may have come in during a test and be there still

local before = {} -- as the first test begins

local function check_left()
  for what, more in pairs(t.may_keep) do
    t.eventually(function()
      collectgarbage()
      return held(what) <= before[what] + more
    end, ("%s to be %d (and %s) again"):format(what, before[what], more))
  end
end

-- Waits until cond() is true, looking again and again; an error after t.limit seconds.
function t.eventually(cond, what)
  local value = cond()
  if value then return value end
  local time = require "gilua.time"
  local deadline = time.monotonic() + t.limit
  while true do
    value = cond()
    if value then return value end
    if time.monotonic() > deadline then error("waited in vain for " .. (what or "a condition"), 2) end
    time.sleep(0.0005)
  end
end

-- Waits until every one of the threads is parked, for the given thing if that is named.
function t.parked(threads, what)
  if type(threads) ~= "table" then threads = { threads } end
  for _, thread in ipairs(threads) do
    t.eventually(function()
      local waits = thread.waits_for
      return waits and (not what or waits == what)
    end, tostring(thread) .. " to wait" .. (what and " for " .. what or ""))
  end
end

-- Starts n threads running f(i, ...).
function t.start(n, f, ...)
  local threads, threading = {}, require "gilua.threading"
  for i = 1, n do threads[i] = threading.start(f, i, ...) end
  return threads
end

-- Joins them all; an error in one of them is raised here.
function t.join(threads)
  for _, thread in ipairs(threads) do
    if not thread:join(t.limit) then error(tostring(thread) .. " did not end", 2) end
    thread:result()
  end
end

-- A test of native work on memory that others write meanwhile: a race by intent, which ThreadSanitizer would end.
function t.racing(name, f)
  if not t.tsan then t.test(name, f) end
end

function t.equal(got, want, what)
  if got ~= want then
    error(string.format("%sgot %s, want %s", what and what .. ": " or "", tostring(got), tostring(want)), 2)
  end
end

function t.near(got, low, high, what)
  if not (got >= low and got <= high) then
    error(string.format("%sgot %s, want %s … %s", what and what .. ": " or "", got, low, high), 2)
  end
end

-- f(...) must raise an error whose text has the pattern; returns the error value.
function t.raises(pattern, f, ...)
  local results = table.pack(pcall(f, ...))
  if results[1] then error("no error, where one like '" .. pattern .. "' was expected", 2) end
  if not tostring(results[2]):find(pattern) then
    error("error '" .. tostring(results[2]) .. "' is not like '" .. pattern .. "'", 2)
  end
  return results[2]
end

-- f(...) must raise an error object of that kind; returns it.
function t.raises_kind(kind, f, ...)
  local gilua = require "gilua"
  local results = table.pack(pcall(f, ...))
  if results[1] then error("no error, where one of kind " .. kind .. " was expected", 2) end
  if not gilua.is_error(results[2], kind) then
    error("error '" .. tostring(results[2]) .. "' is not of kind " .. kind, 2)
  end
  return results[2]
end

-- Runs f at switch intervals that amplify races.
function t.at_intervals(f, intervals)
  local gil = require "gilua.gil"
  local old = gil.switch_interval()
  for _, seconds in ipairs(intervals or { 1e-6, 2e-5, 2e-4, 2e-3 }) do
    gil.switch_interval(seconds)
    f(seconds)
  end
  gil.switch_interval(old)
end

-- op() with act() called by finalizers at every place where op lets the collector run, or at the nth only. Returns whether that
-- was reached, and what op returned.
function t.amid(op, act, nth)
  local get_ident = require("gilua.threading").get_ident
  local calls, over, owner = 0, false, get_ident()
  local function leave_garbage()
    setmetatable({}, { __gc = function()
      if over then return end
      if get_ident() ~= owner then return leave_garbage() end -- another thread's place is none of op's
      calls = calls + 1
      if nth and calls > nth then return end
      if not nth or calls == nth then act() end
      leave_garbage()
    end })
  end
  collectgarbage("stop")
  leave_garbage()
  local old_pause = t.pause(0)
  local old_multiplier = t.pace(1000)
  collectgarbage("incremental", 0, 0, 30) -- each step is a whole collection
  collectgarbage("restart")
  local results = table.pack(pcall(op))
  over = true
  t.pause(old_pause)
  t.pace(old_multiplier)
  collectgarbage("incremental", 0, 0, t.hostile and 1 or 13)
  if not results[1] then error(results[2], 0) end
  return calls >= (nth or 1), table.unpack(results, 2, results.n)
end

-- The same at the first, the second … place, as long as there is one: case(n) returns whether its op reached the nth.
function t.at_each_place(case)
  for n = 1, t.places do
    if not case(n) and not case(n) then return end -- a collection of another thread may come first
  end
end

-- Runs the program under test in a process of its own: t.run{"-e", "print(1)"} -> output and errors together, status.
-- A signal's status is 128 + its number, as for a shell. stdin is empty unless options.stdin is text.
function t.run(args, options)
  options = options or {}
  local function quote(s) return "'" .. tostring(s):gsub("'", "'\\''") .. "'" end
  local words = {}
  for i, a in ipairs(args) do words[i] = quote(a) end
  local input = options.stdin and ("printf %s " .. quote(options.stdin) .. " | ") or ""
  local command = string.format("%s%s%s %s %s%s; s=$?; echo; echo $s", input, options.before or "",
    quote(os.getenv("GILUA")), table.concat(words, " "), options.stdin and "" or "</dev/null ",
    options.stderr or "2>&1")
  local p <close> = io.popen(command)
  local text, status = p:read("a"):match("^(.-)\n?(%d+)\n$")
  return text, tonumber(status)
end

-- A Lua that was built for tests does not know where the distribution's modules are.
function t.find_system_modules()
  local p <close> = io.popen("ls -d /usr/lib/*/lua/" .. t.version .. " /usr/lib/lua/" .. t.version .. " 2>/dev/null")
  package.path = package.path .. (";/usr/share/lua/X/?.lua;/usr/share/lua/X/?/init.lua"):gsub("X", t.version)
  for dir in p:lines() do package.cpath = package.cpath .. ";" .. dir .. "/?.so" end
end

local function active_count()
  local threading = package.loaded["gilua.threading"]
  return threading and threading.active_count() or 1
end

function t.test(name, f)
  for what in pairs(next(before) and {} or holdings) do before[what] = held(what) end
  collectgarbage()
  local files, threads = open_files(), active_count()
  local ok, err = xpcall(f, debug.traceback)
  if ok then
    collectgarbage()
    ok, err = pcall(function()
      t.eventually(function() return active_count() <= threads + t.may_visit end, "its threads to end")
      t.equal(open_files(), files, "open files after the test")
    end)
  end
  if ok then t.passed = t.passed + 1 else t.failed = t.failed + 1 end
  print((ok and "ok - " or "not ok - ") .. name)
  if not ok then print((tostring(err):gsub("^", "# "):gsub("\n", "\n# "))) end
  io.stdout:flush()
end

function t.finish()
  local ok, err = pcall(next(before) and check_left or function() end)
  if not ok then
    t.failed = t.failed + 1
    print("not ok - what the tests took is given back\n# " .. tostring(err))
  end
  print(string.format("1..%d", t.passed + t.failed))
  os.exit(t.failed == 0)
end

return t
