-- gilua explore and gilua replay.
local t = require "testing"

local function temporary(text)
  local path = os.tmpname()
  if text then
    local out <close> = assert(io.open(path, "w"))
    out:write(text)
  end
  return setmetatable({ path = path }, { __close = function() os.remove(path) end })
end

local function write(path, text)
  local out <close> = assert(io.open(path, "w"))
  out:write(text)
end

local function explore(script, ...)
  local args = { "explore", "--runs", "60", ... }
  args[#args + 1] = script.path
  return t.run(args)
end

local counter = [[
local threading = require "gilua.threading"
local n = 0
local function add() for _ = 1, 3 do n = n + 1 end end
local a, b = threading.start(add), threading.start(add)
a:join() b:join()
assert(n == 6, "n is " .. n)
]]

local sees = t.version == "5.4" -- elsewhere nobody can tell which instructions others may notice

t.test("a race is found with each strategy and seed", function()
  local script <close> = temporary(counter)
  for seed = 1, t.hostile and 2 or 5 do
    for _, strategy in ipairs { "random", "pct", "pos", "all" } do
      local text, status = t.run { "explore", "--runs", "100", "--seed", seed, "--strategy", strategy, "--depth", 2, script.path }
      assert(status == 1 and text:find("n is [345]"), text)
    end
  end
end)

t.test("what is found does not depend on the number of jobs", function()
  local script <close> = temporary(counter)
  local first = explore(script, "--jobs", "1", "--seed", "3")
  for _, jobs in ipairs { 2, 4 } do t.equal(explore(script, "--jobs", jobs, "--seed", "3"), first) end
end)

t.test("few preemptions are left, and the lines around them are shown", function()
  local script <close> = temporary(counter)
  local text = explore(script)
  local had, kept = text:match "with (%d+) preemptions, of which (%d+)"
  assert(tonumber(kept) >= 1 and tonumber(kept) <= 2 and tonumber(had) >= tonumber(kept), text)
  assert(text:find("3 local function add() for _", 1, true) and text:find("MainThread", 1, true), text)
end)

t.test("a program that is right fails in no run", function()
  local script <close> = temporary((counter:gsub("n = n %+ 1", "local _ <close> = lock:hold() n = n + 1")
    :gsub("local n = 0", "local n, lock = 0, threading.Lock()")))
  local text, status = explore(script)
  assert(status == 0 and text:find("61 runs, none failed", 1, true), text)
end)

t.test("with --races a race is a failure, and its lines are told; a mended program has none", function()
  if not sees then return end
  local script <close> = temporary(counter)
  local text, status = explore(script, "--races")
  assert(status == 1 and text:find("fails (race) in run 0", 1, true) and text:find("variable 'n'", 1, true), text)
  assert(text:find("sets it at [^\n]*:3: local function add"), text)
  write(script.path, (counter:gsub("n = n %+ 1", "local _ <close> = lock:hold() n = n + 1")
    :gsub("local n = 0", "local n, lock = 0, threading.Lock()")))
  text, status = explore(script, "--races")
  assert(status == 0 and text:find("no race was seen", 1, true), text)
end)

t.test("a failure of another kind is told with the races of its run", function()
  if not sees then return end
  local script <close> = temporary(counter)
  local text = explore(script)
  assert(text:find("fails (error)", 1, true) and text:find("that nothing orders:\n  variable 'n'", 1, true), text)
end)

t.test("with more threads than races can be looked for in, that is said", function()
  if not sees then return end
  local script <close> = temporary [[
    local threading = require "gilua.threading"
    for _ = 1, 300 do threading.start(function() end):join() end
  ]]
  local text, status = t.run { "explore", "--races", "--runs", "2", script.path }
  assert(status == 0 and text:find("races were not looked for to the end of each run: there are too many threads", 1, true), text)
end)

-- How many orders there are with at most so many preemptions; each must have been run once.
local function orders(preemptions, code, jobs)
  local script <close> = temporary('local threading = require "gilua.threading"\n' .. code)
  local text, status = t.run { "explore", "--strategy", "all", "--depth", preemptions + 1, "--jobs", jobs or 2, script.path }
  assert(status == 0 and text:find("every order with at most " .. preemptions .. " preemptions was run", 1, true), text)
  local runs, different = text:match "(%d+) runs?, none failed; (%d+) of them"
  t.equal(different, runs)
  return tonumber(runs)
end

t.test("without preemptions there are as many orders as choices at waits", function()
  -- main waits for the first of those that are left to end, then for the second, …; it is ready once that one has ended
  local function count(waits_for, left, n)
    local sum = 0
    if not left[waits_for] then
      local next = waits_for
      while next <= n and not left[next] do next = next + 1 end
      sum = next > n and 1 or count(next, left, n)
    end
    for i = 1, n do
      if left[i] then
        left[i] = false
        sum = sum + count(waits_for, left, n)
        left[i] = true
      end
    end
    return sum
  end
  for n = 1, 3 do
    local left = {}
    for i = 1, n do left[i] = true end
    t.equal(orders(0, ("local t = {} for i = 1, %d do t[i] = threading.start(function() end) end for i = 1, %d do t[i]:join() end")
      :format(n, n)), count(1, left, n), n)
  end
end)

-- Main starts a thread and joins it; each does so many things that the other may notice.
local function pair(main, other)
  return ("local a = threading.start(function() %s end) %s a:join()"):format(("x = 1 "):rep(other), ("x = 1 "):rep(main))
end

t.test("preemptions multiply: 1, then one for each event before the wait, then those times the other thread's", function()
  local base = orders(1, pair(0, 0))
  t.equal(orders(0, pair(0, 0)), 1)
  for k = 1, 3 do
    t.equal(orders(1, pair(k, 0)), base + k) -- an event more
    t.equal(orders(1, pair(0, k)), base) -- main waits, so there is nobody to preempt for
    local m = base - 1 + k
    t.equal(orders(2, pair(k, 5)) - orders(2, pair(k, 2)), 3 * m)
  end
end)

t.test("without a bound there are as many orders as ways to put two sequences into one", function()
  local function ways(a, b) return (a == 0 or b == 0) and 1 or ways(a - 1, b) + ways(a, b - 1) end
  -- beside the k things: main looks up join and calls it, the other one ends
  for k = 0, 3 do t.equal(orders(15, pair(k, k)), ways(k + 2, k + 1)) end
end)

t.test("what does not depend on each other is run in few orders", function()
  if not sees then return end
  local function ways(a, b) return (a == 0 or b == 0) and 1 or ways(a - 1, b) + ways(a, b - 1) end
  local code = pair(6, 6):gsub("x = 1", "y = 1", 6) -- each its own global
  local n = orders(15, code)
  assert(n < 200 and ways(8, 7) == 6435, n)
  t.equal(orders(15, (code:gsub("[xy] = 1", "local _ = x"))), n) -- two that only read
end)

t.test("what a thread does to itself is no reason for another order", function()
  if not sees then return end
  local own = "local z = 1 for i = 1, 5 do z = z + i end "
  local code = pair(1, 1)
  t.equal(orders(2, own .. code:gsub("start%(function%(%) ", "%0" .. own) .. own), orders(2, code))
end)

t.test("a local variable that a function has captured is seen where it is declared, too", function()
  local script <close> = temporary [[
    local threading = require "gilua.threading"
    local n = 0
    local a = threading.start(function() n = n + 1 end)
    local seen = n
    n = seen + 1
    a:join()
    assert(n == 2, "n is " .. n)
  ]]
  local text, status = t.run { "explore", "--strategy", "all", "--depth", 2, script.path }
  assert(status == 1 and text:find("n is 1", 1, true), text)
end)

t.test("all runs the same orders with any number of jobs", function()
  local code = "local n = 0 local function f() n = n + 1 end local a, b = threading.start(f), threading.start(f) a:join() b:join()"
  t.equal(orders(1, code, 1), orders(1, code, 4))
end)

local ends = {
  { "an error in a thread", "error", "attempt to index a nil value", [[
      local t
      threading.start(function() local x = t.y end)
      t = {}]] },
  { "a wrong exit status", "error", "", [[
      local n = 0
      threading.start(function() n = 1 end)
      os.exit(n == 0 and 0 or 3)]] },
  { "a deadlock", "deadlock", "deadlock: these threads wait for each other", [[
      local a, b = threading.RLock(), threading.RLock()
      threading.start(function() local _ <close> = a:hold() local _ <close> = b:hold() end)
      local _ <close> = b:hold() local _ <close> = a:hold()]] },
  { "a thread that never ends", "livelock", "it was stopped after", [[
      local n = 0
      threading.start(function() n = 1 end)
      if n == 1 then while true do end end]] },
  { "a death by a signal", "signal", "it died by signal 9", [[
      local raise, n = require "gilua.ctypes".load():func("raise", "int", { "int" }), 0
      threading.start(function() n = 1 end)
      if n == 1 then raise(9) end]] },
}

for _, case in ipairs(ends) do
  local what, outcome, words, code = table.unpack(case)
  t.test(what .. " is a failure, and is found", function()
    local script <close> = temporary('local threading = require "gilua.threading"\n' .. code)
    local text, status = explore(script)
    assert(status == 1 and text:find(" fails (" .. outcome .. ")", 1, true) and text:find(words, 1, true), text)
  end)
end

t.test("threads that wait by looking come to an end", function()
  local script <close> = temporary [[
    local threading = require "gilua.threading"
    local flag, other = false, false
    local a = threading.start(function() while not flag do end other = true end)
    flag = true
    while not other do end
    a:join()
  ]]
  for _, strategy in ipairs { "random", "pct" } do
    local text, status = t.run { "explore", "--runs", "20", "--strategy", strategy, script.path }
    assert(status == 0, text)
  end
end)

t.test("a saved run is repeated exactly, time and all", function()
  local saved <close> = temporary()
  local script <close> = temporary [[
    local threading, time, queue = require "gilua.threading", require "gilua.time", require "gilua.queue"
    local q, log, late = queue.Queue(1), {}, false
    local function work(k)
      for i = 1, 4 do
        log[#log + 1] = k .. i
        if i % 2 == 0 then time.sleep(0.001) end
        q:put(k)
      end
    end
    local a, b = threading.start(work, "a"), threading.start(work, "b")
    threading.Timer(0.0005, function() late = true end):start()
    local first = ""
    for i = 1, 8 do first = first .. q:get() end
    print(table.concat(log, " "), first, time.time(), math.random(1000))
    os.exit(first == "aabbaabb" and 0 or 1)
  ]]
  local _, status = explore(script, "--save", saved.path)
  t.equal(status, 1)
  local first
  first, status = t.run { "replay", saved.path }
  assert(status == 1 and first:find("a1", 1, true), first)
  for _ = 1, t.hostile and 3 or 20 do t.equal(t.run { "replay", saved.path }, first) end
end)

t.test("a run can be repeated with a recording", function()
  local script <close> = temporary(counter)
  local saved <close> = temporary()
  local page <close> = temporary()
  explore(script, "--save", saved.path)
  os.rename(page.path, page.path .. ".html")
  page.path = page.path .. ".html"
  t.run { "replay", "--trace=" .. page.path, saved.path }
  local file <close> = assert(io.open(page.path))
  assert(file:read("a"):find("<html", 1, true))
  os.remove(page.path)
end)

t.test("a run that goes another way says where, and what that may be due to", function()
  local input <close> = temporary "1"
  local saved <close> = temporary()
  local script <close> = temporary(([[
    local threading = require "gilua.threading"
    local n = tonumber(io.open(%q):read "a")
    local a = threading.start(function() for _ = 1, n do threading.Event():wait(0.001) end end)
    a:join()
    error "found"
  ]]):format(input.path))
  local _, status = explore(script, "--save", saved.path)
  t.equal(status, 1)
  write(input.path, "2")
  local text
  text, status = t.run { "replay", saved.path }
  assert(status == 1 and text:find("divergence: the run differs from", 1, true) and text:find("at turn", 1, true), text)
end)

t.test("a failure whose run the same switches do not give again says what that may be due to", function()
  local input <close> = temporary "0"
  local script <close> = temporary(([[
    local threading = require "gilua.threading"
    local path = %q
    local function read() local file <close> = io.open(path) return tonumber(file:read "a") end
    local n = read()
    local out = io.open(path, "w")
    out:write(n + 1)
    out:close()
    threading.start(function() for _ = 1, n %% 10 do threading.Event():wait(0.001) end end):join()
    error "found"
  ]]):format(input.path))
  local text, status = explore(script)
  assert(status == 1 and text:find("did not give the same run again: it depends on something else, as a file", 1, true), text)
end)

t.test("what a run that prints much fails with is told, and known", function()
  local much = "print(('x'):rep(9000)) for _ = 1, 1000 do print 'many lines' end "
  local script <close> = temporary(much .. "error 'found'")
  local text = t.run { "explore", "--runs", "0", script.path }
  assert(text:find("…\n", 1, true) and text:find("1: found", 1, true), text)
  write(script.path, much .. "local l = require 'gilua.threading'.Lock() l:acquire() l:acquire()")
  text = t.run { "explore", "--runs", "0", script.path }
  assert(text:find("fails (deadlock)", 1, true), text)
end)

t.test("the command that repeats a failure is one that a shell takes", function()
  local script <close> = temporary "error((...))"
  local text = t.run { "explore", "--runs", "0", script.path, "two words" }
  assert(text:find(script.path .. " 'two words'\n", 1, true), text)
end)

t.test("a run that could not be saved is not told to be there", function()
  local script <close> = temporary "error 'found'"
  local text = t.run { "explore", "--runs", "0", "--save", "/nonexistent/run", script.path }
  assert(text:find("cannot save the run to '/nonexistent/run'", 1, true) and not text:find("gilua replay", 1, true), text)
end)

t.test("a script that has changed since is refused", function()
  local script <close> = temporary(counter)
  local saved <close> = temporary()
  explore(script, "--save", saved.path)
  write(script.path, counter .. "\n-- changed")
  local text, status = t.run { "replay", saved.path }
  assert(status == 1 and text:find("is not the one that", 1, true), text)
end)

t.test("a file that is no saved run is an error that says where", function()
  local script <close> = temporary(counter)
  local saved <close> = temporary()
  explore(script, "--save", saved.path)
  local file <close> = assert(io.open(saved.path))
  local whole = file:read "a"
  for _, case in ipairs {
    { whole:gsub("schedule 1", "schedule 9", 1), ":1: this is no schedule of this version" },
    { whole:gsub("turns (%d+)", "turns x", 1), "a number is missing" },
    { whole:gsub("turns (%d+)", "turns 99999999999", 1), "a turn is" },
    { whole:gsub(" [wpl] ", " z ", 1), "how a turn ends is" },
    { whole:sub(1, #whole // 2), "the file is cut off" },
    { whole:gsub("\nend\n", "\n"), "the file is cut off" },
    { "", "the file is cut off" },
  } do
    write(saved.path, case[1])
    local text, status = t.run { "replay", saved.path }
    assert(status == 1 and text:find(case[#case], 1, true), text)
  end
end)

t.test("a wrong argument is an error that says what it needs", function()
  for _, case in ipairs {
    { "'--runs' needs a number", "explore", "--runs", "many", "x.lua" },
    { "'--seconds=0' needs seconds above 0", "explore", "--seconds=0", "x.lua" },
    { "'--strategy' needs random, pct, pos or all", "explore", "--strategy", "luck", "x.lua" },
    { "'--depth' needs a number from 1 to 16", "explore", "--depth", "17", "x.lua" },
    { "'--jobs' needs a number from 1 to 64", "explore", "--jobs", "0", "x.lua" },
    { "'--seed' needs a number", "explore", "--seed", "-1", "x.lua" },
    { "'--save=' needs a file", "explore", "--save=", "x.lua" },
    { "unrecognized option '--fast'", "explore", "--fast", "x.lua" },
    { "'explore' needs a script", "explore", "--runs", "3" },
    { "cannot open", "explore", "no such script.lua" },
    { "'replay' needs a file", "replay" },
    { "'--trace' needs a file", "replay", "--trace" },
    { "cannot read 'no such file'", "replay", "no such file" },
  } do
    local text, status = t.run { table.unpack(case, 2) }
    assert(status == 1 and text:find(case[1], 1, true), text)
  end
end)

t.test("Ctrl-C ends the search", function()
  local script <close> = temporary "local t = require 'gilua.threading' t.start(print):join()"
  local p <close> = io.popen(("echo $$; exec %s explore --seconds 1000 %s 2>&1"):format(os.getenv "GILUA", script.path))
  local pid = p:read "l"
  local children = "/proc/" .. pid .. "/task/" .. pid .. "/children"
  t.eventually(function()
    local file <close> = io.open(children)
    return file and file:read "a" ~= ""
  end, "the search to begin")
  os.execute("kill -INT " .. pid)
  local text = p:read "a"
  assert(text:find("interrupted by Ctrl%-C after %d+ runs"), text)
end)

t.finish()
